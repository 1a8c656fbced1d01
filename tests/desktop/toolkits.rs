//! What else people write windows with: MFC, VCL, Swing, Tk's own editor, and what draws by OpenGL and Direct3D.

use crate::others::{above, all, python};
use portcullis::command::Run;
use portcullis::picture::{self, Picture};
use portcullis::stage::{Sandbox, Stage, Step};
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// Waits for what a program does in its own time.
fn until(what: &str, mut so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// How many pixels have that colour.
fn count(picture: &Picture, colour: [u8; 3]) -> usize {
    picture.pixels().filter(|pixel| pixel.0 == colour).count()
}

const RED: [u8; 3] = [255, 0, 0];

/// Mesa's OpenGL, which Qt 5 has with it, by the name that programs ask for: drawn in software, shown by GDI.
fn mesa(folder: &Path) {
    let mesa = above("designer", 1).join("opengl32sw.dll");
    fs::copy(&mesa, folder.join("opengl32.dll")).unwrap_or_else(|e| panic!("{}: {e}", mesa.display()));
}

const PYTHONWIN: &str = r#"import os, runpy, sys
home = r"C:\pywin32"
sys.path[:0] = [home, home + r"\win32", home + r"\win32\lib", home + r"\pythonwin"]
os.add_dll_directory(home + r"\pywin32_system32")
sys.argv = ["pythonwin"]
runpy.run_path(home + r"\pythonwin\start_pythonwin.pyw", run_name="__main__")
"#;

/// Pythonwin, which is MFC with several documents and Scintilla: a line is run, a file opened, changed and saved.
#[test]
fn mfc() {
    let folder = tempfile::tempdir().unwrap();
    let home = above("pywin32", 2);
    fs::write(folder.path().join("file.py"), "print(1)\n").unwrap();
    let mut sandbox = python(folder.path(), PYTHONWIN, &[("pywin32", &home)]);
    let steps = [
        Step::Window("Pythonwin"),
        Step::Type(r#"open(r"C:\stage\told.txt", "w").write(str(6*7))"#),
        Step::Key("enter"),
        Step::Key("ctrl+o"),
        Step::Window("Open"),
        Step::Type(r"C:\stage\file.py"),
        Step::Key("enter"),
        Step::Gone("Open"),
        Step::Type("import this"),
        Step::Key("enter"),
        Step::Key("ctrl+s"),
    ];
    all(&mut sandbox, &steps);
    picture::keep_one("pythonwin", &sandbox.picture());
    assert_eq!(fs::read_to_string(folder.path().join("told.txt")).unwrap(), "42");
    let saved = fs::read_to_string(folder.path().join("file.py")).unwrap();
    assert_eq!(saved.lines().collect::<Vec<_>>(), ["import this", "print(1)"]);
    all(&mut sandbox, &[Step::Key("alt+f4"), Step::Gone("Pythonwin")]);
    assert_eq!(sandbox.logs(), "");
}

const VCL: &str = r#"import sys
sys.path.insert(0, r"C:\vcl")
from delphivcl import *
class Window(Form):
    def __init__(self, owner):
        self.Caption = "VCL here"
        self.SetBounds(50, 50, 500, 400)
        self.line = Edit(self)
        self.line.SetProps(Parent=self, Left=10, Top=10, Width=200)
        self.button = Button(self)
        self.button.SetProps(Parent=self, Caption="&Add", Left=230, Top=8, OnClick=self.add)
        self.list = ListBox(self)
        self.list.SetProps(Parent=self, Left=10, Top=50, Width=200, Height=100)
        self.shape = Shape(self)
        self.shape.SetProps(Parent=self, Left=10, Top=170, Width=200, Height=100)
        self.shape.Brush.Color = 255
        self.grid = StringGrid(self)
        self.grid.SetProps(Parent=self, Left=10, Top=280, Width=460, Height=70)
        self.OnClose = self.closes
    def add(self, sender):
        self.list.Items.Add(self.line.Text)
        self.grid.Cells[1, 1] = self.line.Text
        self.list.Items.SaveToFile(r"C:\stage\told.txt")
        self.Caption = "Added"
    def closes(self, sender, action):
        action.Value = caFree
Application.Initialize()
window = Window(Application)
window.Show()
FreeConsole()
Application.Run()
"#;

/// Delphi's VCL: a text is typed and added by its button's key.
#[test]
fn vcl() {
    let folder = tempfile::tempdir().unwrap();
    let home = above("vcl", 2);
    let mut sandbox = python(folder.path(), VCL, &[("vcl", &home)]);
    all(&mut sandbox, &[Step::Window("VCL here"), Step::Type("Widget"), Step::Key("alt+a"), Step::Window("Added")]);
    let shown = sandbox.picture();
    picture::keep_one("vcl", &shown);
    // A rectangle of 200 by 100, less its border of one pixel.
    assert_eq!(count(&shown, RED), 198 * 98);
    assert_eq!(fs::read_to_string(folder.path().join("told.txt")).unwrap().trim_end(), "Widget");
    all(&mut sandbox, &[Step::Key("alt+f4"), Step::Gone("Added")]);
}

/// Java's Swing with the system's look: a text is typed and added, and saved through Swing's own dialog.
#[test]
fn swing() {
    let folder = tempfile::tempdir().unwrap();
    let home = above("java21", 2);
    let source = portcullis::repository().join("tests/desktop/Swing.java");
    Run::new("javac").args(["--release", "17", "-d"]).arg(folder.path()).arg(source).run().success();
    let command = r"C:\java\bin\java.exe -XX:-PrintWarnings -Xmx256m -cp C:\stage Swing";
    let mut sandbox = Sandbox::start_with(folder.path(), &[("java", &home)], command);
    let steps = [
        Step::Window("Swing here"),
        // Who listens to keys is another thread than the one that has the window.
        Step::Rest,
        Step::Type("Widget"),
        Step::Key("enter"),
        Step::Key("ctrl+s"),
        Step::Window("Save"),
        Step::Rest,
        Step::Type("saved.txt"),
        Step::Key("enter"),
        Step::Window("Saved"),
        Step::Rest,
    ];
    all(&mut sandbox, &steps);
    let shown = sandbox.picture();
    picture::keep_one("swing", &shown);
    assert_eq!(fs::read_to_string(folder.path().join("saved.txt")).unwrap(), "Widget");
    let red = count(&shown, RED);
    // A disc of 100 across.
    assert!((7700..8000).contains(&red), "{red} red pixels");
    all(&mut sandbox, &[Step::Key("alt+f4"), Step::Gone("Saved")]);
}

/// IDLE, whose shell is a second process that it speaks to by a socket.
#[test]
fn idle() {
    let folder = tempfile::tempdir().unwrap();
    let home = above("python", 1);
    let command = r"C:\python\pythonw.exe -m idlelib";
    let mut sandbox = Sandbox::start_granted(&["--net", "sandbox"], folder.path(), &[("python", &home)], command);
    sandbox.step(&Step::Window("IDLE Shell"));
    // The second process has come when there is a prompt.
    until("a prompt", || count(&sandbox.picture(), [119, 0, 0]) > 0);
    all(&mut sandbox, &[Step::Type(r#"open(r"C:\stage\told.txt", "w").write(str(6*7))"#), Step::Key("enter")]);
    let told = folder.path().join("told.txt");
    until("IDLE ran the line", || fs::read_to_string(&told).is_ok_and(|told| told == "42"));
    let shown = sandbox.picture();
    picture::keep_one("idle", &shown);
    // Active, and its caption says so.
    let caption = shown.get_pixel(300, 12);
    assert!(caption[2] > caption[0].saturating_add(64), "{caption:?}");
    all(&mut sandbox, &[Step::Key("alt+f4"), Step::Gone("IDLE Shell")]);
}

const OPENGL: &str = r#"import ctypes, sys
ctypes.WinDLL(r"C:\stage\opengl32.dll")
sys.path.insert(0, r"C:\gl")
import pyglet
window = pyglet.window.Window(400, 300, caption="OpenGL here")
window.set_location(100, 100)
batch = pyglet.graphics.Batch()
square = pyglet.shapes.Rectangle(50, 50, 100, 80, color=(255, 0, 0), batch=batch)
circle = pyglet.shapes.Circle(300, 150, 60, color=(0, 255, 0), batch=batch)
label = pyglet.text.Label("text", x=20, y=250, batch=batch)
@window.event
def on_draw():
    window.clear()
    batch.draw()
@window.event
def on_mouse_press(x, y, button, keys):
    square.position = (x, y)
@window.event
def on_text(text):
    label.text += text
@window.event
def on_key_press(key, keys):
    if key == pyglet.window.key.F2:
        print(label.text, "llvmpipe" in window.context.get_info().get_renderer(), flush=True)
        pyglet.image.get_buffer_manager().get_color_buffer().save(r"C:\stage\drawn.png")
        window.set_caption("Saved")
pyglet.app.run()
"#;

/// OpenGL: what is shown is, pixel by pixel, what Mesa drew.
#[test]
fn opengl() {
    let folder = tempfile::tempdir().unwrap();
    mesa(folder.path());
    let home = above("pyglet", 2);
    let mut sandbox = python(folder.path(), OPENGL, &[("gl", &home)]);
    let steps =
        [Step::Window("OpenGL here"), Step::Type("ed"), Step::Click(200, 200), Step::Key("f2"), Step::Window("Saved")];
    all(&mut sandbox, &steps);
    let drawn = picture::read(&folder.path().join("drawn.png"));
    let shown = picture::part(&sandbox.picture(), (100, 100), (400, 300));
    picture::keep("opengl", &shown, &drawn);
    assert!(shown == drawn, "what is shown is not what OpenGL drew");
    assert_eq!(count(&shown, RED), 100 * 80);
    all(&mut sandbox, &[Step::Key("esc"), Step::Gone("Saved")]);
    assert_eq!(sandbox.logs().trim_end(), "texted True");
}

const DIRECT3D: &str = r#"import ctypes, sys
ctypes.WinDLL(r"C:\stage\opengl32.dll")
sys.path.insert(0, r"C:\d3d")
import dearpygui.dearpygui as gui
gui.create_context()
gui.create_viewport(title="D3D here", width=500, height=400, x_pos=100, y_pos=100)
gui.setup_dearpygui()
def save():
    with open(r"C:\stage\told.txt", "w") as file:
        file.write(gui.get_value(line))
    gui.stop_dearpygui()
with gui.window(tag="whole"):
    line = gui.add_input_text()
    gui.add_button(label="Save", callback=save, width=200, height=60)
    with gui.drawlist(300, 150):
        gui.draw_rectangle((10, 10), (110, 110), color=(255, 0, 0), fill=(255, 0, 0))
gui.set_primary_window("whole", True)
gui.show_viewport()
gui.start_dearpygui()
gui.destroy_context()
print("ended", flush=True)
"#;

/// Direct3D 11, which is Wine's on OpenGL, which is Mesa's. It draws without an end, so nothing waits until it is done.
#[test]
fn direct3d() {
    let folder = tempfile::tempdir().unwrap();
    mesa(folder.path());
    let home = above("dearpygui", 2);
    let mut sandbox = python(folder.path(), DIRECT3D, &[("d3d", &home)]);
    sandbox.step(&Step::Window("D3D here"));
    let at_once = |sandbox: &Sandbox| {
        let file = folder.path().join("shown.png");
        sandbox.verb("screenshot", &["--now", &file.to_string_lossy()]);
        picture::read(&file)
    };
    until("a red square", || count(&at_once(&sandbox), RED) > 9_000);
    sandbox.verb("input", &["click", "--now", "267", "140"]);
    sandbox.verb("input", &["type", "--now", "Hello"]);
    picture::keep_one("direct3d", &at_once(&sandbox));
    sandbox.verb("input", &["click", "--now", "250", "185"]);
    sandbox.step(&Step::Gone("D3D here"));
    assert_eq!(fs::read_to_string(folder.path().join("told.txt")).unwrap(), "Hello");
    assert_eq!(sandbox.logs().trim_end(), "ended");
}
