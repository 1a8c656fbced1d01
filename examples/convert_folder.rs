//! Packs every file of a folder with a Windows 7-Zip that sees that folder and nothing else:
//! `cargo run --example convert_folder -- 7za.exe FOLDER`.

use libos::{LaunchError, Launcher, Stdio};

fn main() -> Result<(), LaunchError> {
    let mut args = std::env::args_os().skip(1);
    let (Some(program), Some(folder)) = (args.next(), args.next()) else {
        eprintln!("usage: convert_folder 7za.exe FOLDER");
        std::process::exit(2);
    };
    for entry in std::fs::read_dir(&folder)? {
        let name = entry?.file_name();
        let packed = format!("{}.7z", name.display());
        let launcher = Launcher::new(&program).mount_writable(&folder, r"C:\work").workdir(r"C:\work");
        let status = launcher.args(["a", &packed]).arg(&name).stdout(Stdio::null()).spawn()?.wait()?;
        println!("{packed}: {status}");
    }
    Ok(())
}
