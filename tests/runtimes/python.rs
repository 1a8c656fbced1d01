//! CPython, and uv, which makes projects for it.

use super::{LIMIT, script};
use portcullis::command::{Outcome, Run};
use portcullis::product::Sandbox;
use portcullis::programs::{linux, windows};
use portcullis::tree;
use std::fs;
use std::path::Path;

fn sandbox(work: &Path) -> Sandbox {
    let home = windows("python").parent().map(Path::to_owned).unwrap();
    Sandbox::new().work(work).mount(&home, "P:\\py").env("PYTHONDONTWRITEBYTECODE", "1")
}

fn python(sandbox: Sandbox, args: &[&str]) -> Outcome {
    sandbox.program("P:\\py\\python.exe").args(args).limit(LIMIT).run()
}

/// The standard library at work, children and processes of `multiprocessing` among it, against the host's Python.
#[test]
fn python_runs_a_script() {
    let [ours, theirs] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    for dir in [&ours, &theirs] {
        fs::copy(script("python.py"), dir.path().join("script.py")).unwrap();
    }
    let args = ["script.py", "größe", "a b"];
    let their = Run::new("python3").args(args).dir(theirs.path()).env("PYTHONUTF8", "1").limit(LIMIT).run();
    assert_eq!(their.status, 5, "{their:?}");
    let our = python(sandbox(ours.path()).option("--net", "sandbox"), &args);
    assert_eq!((our.status, our.lines()), (5, their.lines()), "{our:?}");
    assert!(our.lines().lines().count() > 50, "{our:?}");
}

/// What it says of the system it runs on, and how it ends.
#[test]
fn python_knows_where_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let program = "import sys, os, platform, winreg, msvcrt, ctypes, time, sysconfig\n\
        print(sys.platform, platform.machine(), platform.system(), os.sep, sys.maxsize, sysconfig.get_platform(), os.getcwd())\n\
        with winreg.CreateKey(winreg.HKEY_CURRENT_USER, r'Software\\Made') as key:\n\
        \x20   winreg.SetValueEx(key, 'n', 0, winreg.REG_DWORD, 42); print(winreg.QueryValueEx(key, 'n'))\n\
        print(ctypes.WinError(5).strerror, ctypes.windll.kernel32.GetCurrentProcessId() == os.getpid(), time.strftime('%Y', time.gmtime(0)))\n\
        with open('l.bin', 'wb') as f: f.write(b'x' * 10); f.seek(0); msvcrt.locking(f.fileno(), msvcrt.LK_NBLCK, 5); print('locked')\n\
        print(sorted(os.listdir('.')), os.path.isdir('C:\\\\windows'), os.environ['SystemRoot'])\n\
        raise RuntimeError('at the end')\n";
    let outcome = python(sandbox(dir.path()), &["-c", program]);
    let want = "win32 AMD64 Windows \\ 9223372036854775807 win-amd64 C:\\work\n(42, 4)\nAccess denied. True 1970\nlocked\n['l.bin'] True C:\\windows\n";
    assert_eq!((outcome.status, outcome.lines().as_str()), (1, want), "{outcome:?}");
    assert!(outcome.errors().contains("RuntimeError: at the end"), "{outcome:?}");
    let outcome = python(sandbox(dir.path()), &["-c", "import ctypes; ctypes.string_at(8)"]);
    assert!(
        outcome.status == 1
            && outcome.errors().contains("OSError: exception: access violation reading 0x0000000000000008"),
        "{outcome:?}"
    );
}

/// An environment of its own, with a package that pip puts there: its launcher starts Python's launcher, which starts Python.
#[test]
fn pip_installs_a_package() {
    let dir = tempfile::tempdir().unwrap();
    let outcome = python(sandbox(dir.path()), &["-m", "venv", "own"]);
    assert_eq!(outcome.status, 0, "{outcome:?}");
    let wheel = "import zipfile\n\
        with zipfile.ZipFile('made-1.0-py3-none-any.whl', 'w') as z:\n\
        \x20   z.writestr('made.py', 'import sys\\ndef main(): print(sys.prefix, ascii(sys.argv[1:])); return 6\\n')\n\
        \x20   z.writestr('made-1.0.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: made\\nVersion: 1.0\\n')\n\
        \x20   z.writestr('made-1.0.dist-info/WHEEL', 'Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')\n\
        \x20   z.writestr('made-1.0.dist-info/entry_points.txt', '[console_scripts]\\nmade = made:main\\n')\n\
        \x20   z.writestr('made-1.0.dist-info/RECORD', '')\n";
    assert_eq!(python(sandbox(dir.path()), &["-c", wheel]).status, 0);
    let own = |program: &str, args: &[&str]| {
        sandbox(dir.path()).program(format!("C:\\work\\own\\Scripts\\{program}.exe")).args(args).limit(LIMIT).run()
    };
    let outcome = own("pip", &["install", "--no-index", "--find-links", ".", "made"]);
    assert!(outcome.status == 0 && outcome.text().contains("Successfully installed made-1.0"), "{outcome:?}");
    let outcome = own("made", &["a b", "größe"]);
    assert_eq!(
        (outcome.status, outcome.lines().as_str()),
        (6, "C:\\work\\own ['a b', 'gr\\xf6\\xdfe']\n"),
        "{outcome:?}"
    );
}

/// Vectors, linear algebra with OpenBLAS's threads, complex numbers of both widths, a mapped file.
const NUMPY: &str = "import sys, cmath\nsys.path.insert(0, r'N:\\numpy')\nimport numpy as np\n\
    a = np.arange(40000, dtype='f8').reshape(200, 200) % 17 + np.eye(200) * 50\n\
    x = np.linalg.solve(a, np.ones(200)); print(bool(np.allclose(a @ x, 1)))\n\
    z = np.array([0.5 + 1.25j, -3 + 4j, 2 - 0.5j])\n\
    for name in ['exp', 'log', 'sqrt', 'sin', 'cos', 'tan', 'tanh', 'arctan']:\n\
    \x20   want = [getattr(cmath, name.replace('arc', 'a'))(v) for v in z]\n\
    \x20   print(name, bool(np.allclose(getattr(np, name)(z), want, rtol=1e-13)), bool(np.allclose(getattr(np, name)(z.astype('c8')), want, rtol=1e-5)))\n\
    print(abs(z[1]), z[1].real, np.complex64(3 + 4j).imag, np.round(z ** (1 + 2j), 6).tolist()[1])\n\
    m = np.memmap('m.bin', dtype='i4', mode='w+', shape=(1000, 10)); m[:] = np.arange(10); m.flush(); print(int(np.fromfile('m.bin', 'i4').sum()))\n\
    print(np.abs(np.fft.fft(np.ones(8))).tolist(), np.random.default_rng(1).integers(0, 100, 5).tolist())\n";

#[test]
fn numpy_computes() {
    let dir = tempfile::tempdir().unwrap();
    let home = windows("numpy").ancestors().nth(2).map(Path::to_owned).unwrap();
    let outcome = python(sandbox(dir.path()).mount(&home, "N:\\numpy"), &["-c", NUMPY]);
    let functions: String = ["exp", "log", "sqrt", "sin", "cos", "tan", "tanh", "arctan"]
        .map(|name| format!("{name} True True\n"))
        .concat();
    let want = format!(
        "True\n{functions}5.0 -3.0 4.0 (0.039372-0.044819j)\n45000\n[8.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0] [47, 51, 75, 95, 3]\n"
    );
    assert_eq!((outcome.status, outcome.lines()), (0, want), "{outcome:?}");
}

/// A Python that py-spy looks into; what it says of the frames.
const SEEN: &str = "import subprocess, sys\n\
    code = 'import time\\ndef inner(): time.sleep(600)\\ndef outer():\\n    inner()\\nprint(1, flush=True)\\nouter()'\n\
    seen = subprocess.Popen([sys.executable, '-c', code], stdout=subprocess.PIPE); seen.stdout.readline()\n\
    spy = lambda *options: subprocess.run([r'S:\\spy\\py-spy.exe', 'dump', '--pid', str(seen.pid), *options], capture_output=True, text=True)\n\
    for options in [(), ('--nonblocking',)]:\n\
    \x20   told = spy(*options); lines = [line.strip() for line in told.stdout.splitlines()]\n\
    \x20   print(told.returncode, [line for line in lines if '<string>' in line], told.stderr)\n\
    print('Python v3.13' in told.stdout, seen.poll())\n\
    seen.kill()\n";

#[test]
fn py_spy_looks_into_a_process() {
    let dir = tempfile::tempdir().unwrap();
    let home = windows("py-spy").parent().map(Path::to_owned).unwrap();
    let outcome = python(sandbox(dir.path()).mount(&home, "S:\\spy"), &["-c", SEEN]);
    let frames = "0 ['inner (<string>:2)', 'outer (<string>:4)', '<module> (<string>:6)'] \n";
    let want = format!("{frames}{frames}True None\n");
    assert_eq!((outcome.status, outcome.lines()), (0, want), "{outcome:?}");
}

const PROJECT: &str = "[project]\nname = \"demo\"\nversion = \"0.1.0\"\nrequires-python = \">=3.8\"\n\n[project.scripts]\ndemo = \"demo:main\"\n\n\
    [build-system]\nrequires = [\"uv_build>=0.8,<1\"]\nbuild-backend = \"uv_build\"\n";
const MODULE: &str = "import sys\n\n\ndef main():\n    print('hello from', __file__.replace('\\\\', '/').split('/')[-2], sys.prefix != sys.base_prefix)\n    return 4\n";

/// Makes, locks, installs, runs and packs a project; each step asks the interpreter, and runs go through the launchers that uv puts
/// into the environment.
#[test]
fn uv_makes_a_project() {
    let [ours, theirs] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let at = windows("uv").parent().map(Path::to_owned).unwrap();
    let ready = |sandbox: Sandbox| {
        sandbox.env("UV_OFFLINE", "1").env("UV_NO_PROGRESS", "1").env("UV_PYTHON_DOWNLOADS", "never")
    };
    let uv = |args: &[&str]| {
        let sandbox = ready(sandbox(ours.path())).mount(&at, "U:\\uv").env("UV_PYTHON", "P:\\py\\python.exe");
        let outcome =
            sandbox.env("UV_CACHE_DIR", "C:\\work\\cache").program("U:\\uv\\uv.exe").args(args).limit(LIMIT).run();
        assert!(outcome.status == 0 || args[0] == "run", "{args:?} {outcome:?}");
        outcome
    };
    uv(&["init", "made", "--name", "made", "--package"]);
    let made = fs::read_to_string(ours.path().join("made/pyproject.toml")).unwrap();
    assert!(made.contains("name = \"made\"") && made.contains("requires-python = \">=3.13\""), "{made}");
    let outcome = uv(&["run", "--project", "made", "made"]);
    assert_eq!((outcome.status, outcome.lines().as_str()), (0, "Hello from made!\n"), "{outcome:?}");

    // One whose files do not depend on the system, against uv for Linux.
    for dir in [&ours, &theirs] {
        fs::create_dir_all(dir.path().join("demo/src/demo")).unwrap();
        fs::write(dir.path().join("demo/pyproject.toml"), PROJECT).unwrap();
        fs::write(dir.path().join("demo/src/demo/__init__.py"), MODULE).unwrap();
    }
    for args in [&["lock", "--project", "demo"][..], &["build", "demo", "--out-dir", "packed"]] {
        uv(args);
        let twin = Run::new(linux("uv"))
            .args(args)
            .dir(theirs.path())
            .env("UV_OFFLINE", "1")
            .env("UV_PYTHON_DOWNLOADS", "never");
        let cache = theirs.path().join("cache");
        twin.env("UV_CACHE_DIR", &cache).env("UV_PYTHON", "python3").limit(LIMIT).run().success();
    }
    assert_eq!(
        fs::read_to_string(ours.path().join("demo/uv.lock")).unwrap().replace("\r\n", "\n"),
        fs::read_to_string(theirs.path().join("demo/uv.lock")).unwrap()
    );
    let [our, their] = [&ours, &theirs].map(|dir| tree::hashes(&dir.path().join("packed")));
    assert_eq!(our, their);
    assert!(their.len() >= 2, "{their:?}");
    uv(&["sync", "--project", "demo"]);
    let outcome = uv(&["run", "--project", "demo", "demo"]);
    assert_eq!((outcome.status, outcome.lines().as_str()), (4, "hello from demo True\n"), "{outcome:?}");
    let outcome = uv(&["run", "--project", "demo", "python", "-c", "import demo, sys; sys.exit(demo.main() + 5)"]);
    assert_eq!((outcome.status, outcome.lines().as_str()), (9, "hello from demo True\n"), "{outcome:?}");
}
