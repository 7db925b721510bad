//! TLS settings from the files that the command line names.
//!
//! A file that cannot be read is a fault of I/O; one that holds something else than it should, of usage.

use std::path::Path;

use keepalive::Tls;

use crate::exit::Fault;
use crate::options::TlsFiles;

/// The library's settings. Each step is built for itself, so that the text names the option at fault.
pub(super) fn tls(files: &TlsFiles) -> Result<Tls, Fault> {
    let mut tls = Tls::builder().danger_accept_invalid_certs(files.insecure);
    if let Some(file) = &files.roots {
        let roots = read(file)?;
        Tls::builder().add_root_pem(&roots).build().map_err(|error| bad("--cacert", file, &error))?;
        tls = tls.builtin_roots(false).add_root_pem(roots);
    }
    if let Some(identity) = &files.identity {
        let (certificate, key) = (read(&identity.certificate)?, read(&identity.key)?);
        tls = tls.identity_pem(certificate, key);
    }
    tls.build().map_err(|error| match &files.identity {
        Some(identity) => bad("--cert", &identity.certificate, &error),
        None => Fault::usage(error.to_string()),
    })
}

fn read(file: &Path) -> Result<Vec<u8>, Fault> {
    std::fs::read(file).map_err(|error| Fault::io("cannot read", file.display(), &error))
}

fn bad(option: &str, file: &Path, error: &keepalive::Error) -> Fault {
    Fault::usage(format!("bad {option} '{}': {error}", file.display()))
}
