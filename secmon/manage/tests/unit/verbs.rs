use super::*;

#[test]
fn the_command_line_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn every_verb_says_what_it_does() {
    for verb in command().get_subcommands() {
        assert!(verb.get_about().is_some_and(|about| !about.to_string().is_empty()), "{}", verb.get_name());
    }
}

/// The PowerShell module asks for verbs and options that there are, and offers what its manifest names: it is read here, as no PowerShell
/// is at hand to run it.
#[test]
fn the_powershell_module_asks_for_what_there_is() {
    let module = include_str!("../../powershell/Portcullis.psm1");
    let manifest = include_str!("../../powershell/Portcullis.psd1");
    let functions: Vec<&str> = module
        .lines()
        .filter_map(|line| line.strip_prefix("function ")?.strip_suffix(" {"))
        .filter(|name| name.contains("-Sandbox"))
        .collect();
    assert!(functions.len() > 10, "{functions:?}");
    let exported = manifest.split_once("FunctionsToExport = @(").unwrap().1.split_once(')').unwrap().0;
    let mut exported: Vec<&str> = exported.split([',', '\n']).map(|name| name.trim().trim_matches('\'')).collect();
    exported.retain(|name| !name.is_empty());
    assert_eq!(exported, functions);
    let command = command();
    let (mut verb, mut verbs, mut options) = (None, 0, 0);
    for line in module.lines() {
        let words: Vec<&str> = line.split('\'').skip(1).step_by(2).collect();
        // A list of words begins with a verb; `--raw` may come before.
        let first = words.iter().find(|word| **word != "--raw").copied().unwrap_or_default();
        if line.contains("@('")
            && !first.starts_with('-')
            && let Some(found) = command.get_subcommands().find(|one| one.get_name() == first)
        {
            (verb, verbs) = (Some(found), verbs + 1);
            assert!(
                !line.contains("'policy'") || found.get_subcommands().any(|one| one.get_name() == words[1]),
                "{line}"
            );
        } else if line.contains("@('") && line.contains("$words = ") {
            panic!("there is no verb `{first}`: {line}");
        }
        for option in words.iter().filter_map(|word| word.strip_prefix("--")) {
            let known = |of: &clap::Command| of.get_arguments().any(|one| one.get_long() == Some(option));
            assert!(known(&command) || verb.is_some_and(known), "--{option}: {line}");
            options += 1;
        }
    }
    assert!(verbs > 10 && options > 20, "{verbs} verbs, {options} options");
    assert!(module.contains(&format!("$script:RawVersion = {RAW_VERSION}\n")));
    // Every bracket is closed, outside of texts and comments.
    let mut open = Vec::new();
    for line in module.lines().map(|line| line.split_once("# ").map_or(line, |(code, _)| code)) {
        let code: String = line.split(['\'', '"']).step_by(2).collect();
        for character in code.chars() {
            match character {
                '(' | '{' | '[' => open.push(character),
                ')' => assert_eq!(open.pop(), Some('('), "{line}"),
                '}' => assert_eq!(open.pop(), Some('{'), "{line}"),
                ']' => assert_eq!(open.pop(), Some('['), "{line}"),
                _ => {}
            }
        }
    }
    assert_eq!(open, []);
}
