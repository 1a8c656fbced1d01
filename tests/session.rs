//! What a program finds of a Windows session: the image's own command line programs, scripts, services; stock Wine has the same programs,
//! so what they write and return there is what they must here.

use portcullis::command::Outcome;
use portcullis::oracle;
use portcullis::product::Sandbox;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// Files that the commands work on.
fn prepare(dir: &Path) {
    fs::create_dir_all(dir.join("tree/inner")).unwrap();
    fs::write(dir.join("tree/one.txt"), "one\r\n").unwrap();
    fs::write(dir.join("tree/inner/two.txt"), "two\r\n").unwrap();
    fs::write(dir.join("a.txt"), "alpha\r\nbeta\r\ngamma\r\n").unwrap();
    fs::write(dir.join("b.txt"), "alpha\r\nbeta\r\ndelta\r\n").unwrap();
    fs::write(
        dir.join("add.reg"),
        "Windows Registry Editor Version 5.00\r\n\r\n[HKEY_CURRENT_USER\\Software\\Portcullis\\Imported]\r\n\
         \"text\"=\"a \\\"b\\\"\"\r\n\"number\"=dword:0000002a\r\n\"bytes\"=hex:01,02,ff\r\n\r\n",
    )
    .unwrap();
    fs::write(dir.join("script.js"), JSCRIPT).unwrap();
    fs::write(dir.join("script.vbs"), VBSCRIPT).unwrap();
    fs::write(dir.join("wmi.vbs"), WMI).unwrap();
    fs::write(dir.join("a.portcullis"), "").unwrap();
}

/// Counts what windows management knows of the system, its processors and this process: one each.
const WMI: &str = r#"
set service = GetObject("winmgmts:\\.\root\cimv2")
count = 0
for each system in service.ExecQuery("SELECT * FROM Win32_OperatingSystem")
  if system.OSArchitecture = "64-bit" and system.Version <> "" then count = count + 1
next
for each processor in service.ExecQuery("SELECT * FROM Win32_Processor")
  if processor.NumberOfLogicalProcessors > 0 and processor.AddressWidth = 64 then count = count + 1
next
for each process in service.ExecQuery("SELECT * FROM Win32_Process WHERE Name = 'cscript.exe'")
  if process.ProcessId > 0 then count = count + 1
next
WScript.Quit count
"#;

const JSCRIPT: &str = r#"
var files = new ActiveXObject("Scripting.FileSystemObject");
var out = files.CreateTextFile("made.txt", true);
out.WriteLine("by a script");
out.Close();
WScript.Echo("read: " + files.OpenTextFile("made.txt", 1).ReadLine());
var words = new ActiveXObject("Scripting.Dictionary");
words.Add("one", 1); words.Add("two", 2);
var sum = 0;
for (var i = new Enumerator(words); !i.atEnd(); i.moveNext()) sum += words.Item(i.item());
WScript.Echo("sum " + sum + " of " + words.Count + ", " + WScript.Arguments.length + " arguments");
var xml = new ActiveXObject("Msxml2.DOMDocument.3.0");
xml.loadXML("<a><b n='1'>x</b><b n='2'>y</b></a>");
WScript.Echo(xml.selectNodes("//b[@n='2']").item(0).text);
try { new ActiveXObject("No.Such.Thing"); } catch (e) { WScript.Echo("no such thing"); }
var shell = new ActiveXObject("WScript.Shell");
shell.RegWrite("HKCU\\Software\\Portcullis\\FromScript", 7, "REG_DWORD");
WScript.Echo("registry " + shell.RegRead("HKCU\\Software\\Portcullis\\FromScript"));
WScript.Echo("exit " + shell.Run("cmd.exe /c exit 5", 0, true));
WScript.Quit(6);
"#;

const VBSCRIPT: &str = r#"
Set words = CreateObject("Scripting.Dictionary")
words.Add "k", "v"
WScript.Echo words.Item("k") & " " & UCase("abc") & " " & (7 \ 2)
For Each folder In Array("tree", "none")
  WScript.Echo folder & " " & CreateObject("Scripting.FileSystemObject").FolderExists(folder)
Next
WScript.Quit 3
"#;

/// The commands, one after the other in one session; each line's exit status is told.
const COMMANDS: &[&str] = &[
    "reg add HKCU\\Software\\Portcullis /v text /t REG_SZ /d hello /f",
    "reg add HKCU\\Software\\Portcullis\\Below /v number /t REG_DWORD /d 42 /f",
    "reg query HKCU\\Software\\Portcullis /s",
    "reg export HKCU\\Software\\Portcullis out.reg /y",
    "type out.reg",
    "reg import add.reg",
    "reg query HKCU\\Software\\Portcullis\\Imported",
    "reg delete HKCU\\Software\\Portcullis\\Below /f",
    "reg query HKCU\\Software\\Portcullis\\Below",
    "reg copy HKCU\\Software\\Portcullis HKCU\\Software\\PortcullisCopy /s /f",
    "reg query HKCU\\Software\\PortcullisCopy /v text",
    "xcopy tree copied /e /i /y /q",
    "dir /b /s copied > nul",
    "type copied\\inner\\two.txt",
    "attrib +r a.txt",
    "attrib a.txt > nul",
    "echo x > a.txt",
    "attrib -r a.txt",
    "cscript //nologo script.js first second",
    "cscript //nologo script.vbs",
    "regsvr32 /s scrrun.dll",
    "taskkill /im nothere.exe /f",
    "net start NoSuchService",
    "sc create PortcullisLazy binPath= C:\\windows\\system32\\nothing.exe start= demand",
    "reg query HKLM\\System\\CurrentControlSet\\Services\\PortcullisLazy /v Start",
    "sc delete PortcullisLazy",
    "reg query HKLM\\System\\CurrentControlSet\\Services\\PortcullisLazy /v Start",
    "reg delete HKCU\\Software\\Portcullis /f",
    "reg delete HKCU\\Software\\PortcullisCopy /f",
];

/// What Wine 8 has placeholders for, with what Microsoft documents of their exit status.
const DOCUMENTED: &[(&str, u32)] = &[
    ("fc a.txt a.txt > nul", 0),
    ("fc a.txt b.txt > nul", 1),
    ("find \"beta\" a.txt > nul", 0),
    ("find \"nothing\" a.txt > nul", 1),
    ("findstr /c:\"beta\" a.txt > nul", 0),
    ("findstr /c:\"nothing\" a.txt > nul", 1),
    ("net start RpcSs > nul", 0),
    ("sc query RpcSs > nul", 0),
    ("net stop RpcSs > nul", 0),
    ("sc query NoSuchService > nul", 1060),
    // A file type of one's own, opened by its name; what windows management tells; drivers of pictures are loaded on the way.
    ("(assoc .portcullis=portcullis& ftype portcullis=cmd.exe /c \"exit 5\")> nul& a.portcullis", 5),
    ("C:\\windows\\system32\\wbem\\wmic.exe cpu get name > nul", 0),
    ("cscript //nologo wmi.vbs", 3),
    ("systeminfo > nul", 0),
];

fn batch() -> String {
    let mut text = String::from("@echo off\r\n");
    let documented = DOCUMENTED.iter().map(|(command, _)| command);
    for (number, command) in COMMANDS.iter().chain(documented).enumerate() {
        text += &format!("echo == {number}\r\n{command}\r\necho = %errorlevel%\r\n");
    }
    text
}

/// What each command wrote and returned.
fn answers(outcome: &Outcome) -> Vec<String> {
    let text = outcome.lines();
    let lines =
        |part: &str| part.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n");
    text.split("== ").skip(1).map(lines).collect()
}

#[test]
fn programs_of_the_image_do_what_they_do_under_wine() {
    let ours = tempfile::tempdir().unwrap();
    prepare(ours.path());
    fs::write(ours.path().join("all.bat"), batch()).unwrap();
    let sandbox = Sandbox::new().mount_rw(ours.path(), "C:\\session").workdir("C:\\session");
    let run = sandbox.program("cmd.exe").args(["/c", "all.bat"]).limit(Duration::from_secs(120));
    let ours_said = answers(&run.run());
    assert_eq!(ours_said.len(), COMMANDS.len() + DOCUMENTED.len(), "{ours_said:#?}");
    for ((command, status), said) in DOCUMENTED.iter().zip(&ours_said[COMMANDS.len()..]) {
        assert_eq!(said.lines().last(), Some(format!("= {status}").as_str()), "{command}");
    }
    // Wine on a busy machine fails to start a program now and then ("= 9009"): who differs is asked again.
    let mut theirs_said = Vec::new();
    for _ in 0..3 {
        let Some(wine) = oracle::command(Path::new("cmd.exe")) else { return };
        let theirs = tempfile::tempdir().unwrap();
        prepare(theirs.path());
        fs::write(theirs.path().join("all.bat"), batch()).unwrap();
        theirs_said = answers(&wine.args(["/c", "all.bat"]).dir(theirs.path()).limit(Duration::from_secs(240)).run());
        if theirs_said.len() == ours_said.len() && theirs_said[..COMMANDS.len()] == ours_said[..COMMANDS.len()] {
            break;
        }
    }
    for ((command, ours), theirs) in COMMANDS.iter().zip(&ours_said).zip(&theirs_said) {
        assert_eq!(ours, theirs, "{command}");
    }
    assert_eq!(ours_said.len(), theirs_said.len(), "{theirs_said:#?}");
}
