//! Requests without `http::Request::builder()`, for everyday use.

mod builder;
mod response;
mod url;

pub use self::builder::RequestBuilder;
pub use self::response::Response;
pub use self::url::IntoUrl;
