use super::*;

#[test]
fn the_command_line_is_sound() {
    <Cli as clap::CommandFactory>::command().debug_assert();
}

#[test]
fn what_follows_the_program_is_its_own() {
    let cli = Cli::try_parse_from(["run", "--mount", "a=C:\\b", "7za.exe", "a", "-v", "--help", "--", "x"]);
    let args = cli.unwrap().args;
    assert_eq!(args.command, ["7za.exe", "a", "-v", "--help", "--", "x"]);
    assert_eq!(args.grants.mount, ["a=C:\\b"]);
    let cli = Cli::try_parse_from(["run", "--timeout", "2s", "--", "-odd.exe", "-x"]).unwrap();
    let args = cli.args;
    assert_eq!(args.command, ["-odd.exe", "-x"]);
    assert!(Cli::try_parse_from(["run"]).is_err());
    assert!(Cli::try_parse_from(["run", "--memory", "much", "a.exe"]).is_err());
}
