use super::*;

#[test]
fn locales() {
    let with = |lang: &str| locale(|name| (name == "LANG").then(|| lang.to_owned()));
    for (lang, expected) in
        [("de_DE.UTF-8", "de-DE"), ("pt_BR", "pt-BR"), ("ca_ES@valencia", "ca-ES"), ("C.UTF-8", "en-US"), ("", "en-US")]
    {
        assert_eq!(with(lang), expected, "{lang}");
    }
    assert_eq!(locale(|name| Some(if name == "LC_ALL" { "fr_FR" } else { "de_DE" }.into())), "fr-FR");
}

#[test]
fn the_host_has_memory_and_a_time_zone_that_is_one() {
    assert!(memory() > 1 << 20);
    let (name, file) = timezone();
    assert!(file.is_empty() && name.is_empty() || file.starts_with(b"TZif"), "{name}");
}
