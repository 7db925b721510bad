//! The generated parts of pages that people write: each stands between `<!-- bench:begin NAME -->` and
//! `<!-- bench:end NAME -->`.

/// The page with every generated part replaced by the section of its name.
pub(super) fn fill(page: &str, sections: &[(String, String)]) -> Result<String, String> {
    let mut filled = String::new();
    let mut rest = page;
    while let Some((before, after)) = rest.split_once(BEGIN) {
        let (name, after) = after.split_once(CLOSE).ok_or("a mark has no end")?;
        let end = format!("{END}{name}{CLOSE}");
        let (old, after) =
            after.split_once(&end).ok_or_else(|| format!("`{name}` begins and does not end"))?;
        if old.contains(BEGIN) {
            return Err(format!("another part begins inside `{name}`"));
        }
        let text = sections.iter().find(|(section, _)| section == name).map(|(_, text)| text.as_str());
        let text = text.unwrap_or("Not measured.");
        filled += &format!("{before}{BEGIN}{name}{CLOSE}\n{text}\n{end}");
        rest = after;
    }
    if rest.contains(END) {
        return Err("a part ends that does not begin".into());
    }
    Ok(filled + rest)
}

const BEGIN: &str = "<!-- bench:begin ";
const END: &str = "<!-- bench:end ";
const CLOSE: &str = " -->";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_between_the_marks_is_replaced_and_nothing_else() {
        let page = "# A\n\n<!-- bench:begin one -->\nold\n<!-- bench:end one -->\n\nprose\n\
                    <!-- bench:begin two --><!-- bench:end two -->\nend\n";
        let sections = [("two", "2"), ("one", "| 1 |"), ("three", "3")];
        let sections = sections.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let filled = fill(page, &sections).unwrap();
        assert_eq!(
            filled,
            "# A\n\n<!-- bench:begin one -->\n| 1 |\n<!-- bench:end one -->\n\nprose\n\
             <!-- bench:begin two -->\n2\n<!-- bench:end two -->\nend\n"
        );
        assert_eq!(fill(&filled, &sections), Ok(filled.clone()), "once filled, it stays as it is");
    }

    #[test]
    fn a_part_that_was_not_measured_keeps_no_old_figure() {
        let page = "<!-- bench:begin one -->\n42\n<!-- bench:end one -->";
        let filled = fill(page, &[]).unwrap();
        assert_eq!(filled, "<!-- bench:begin one -->\nNot measured.\n<!-- bench:end one -->");
    }

    #[test]
    fn a_page_without_marks_stays_as_it_is() {
        assert_eq!(fill("prose\n", &[]), Ok("prose\n".into()));
    }

    #[test]
    fn broken_marks_are_told() {
        for page in [
            "<!-- bench:begin one -->",
            "<!-- bench:begin one",
            "<!-- bench:end one -->",
            "<!-- bench:begin one --><!-- bench:end two -->",
            "<!-- bench:begin a --><!-- bench:begin b --><!-- bench:end b --><!-- bench:end a -->",
        ] {
            assert!(fill(page, &[]).is_err(), "{page}");
        }
    }
}
