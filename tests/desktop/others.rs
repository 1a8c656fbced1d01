//! Other people's programs, as the registries publish them (`tests/programs.toml`): Qt 5 and 6, AutoHotkey, SDL 2, Tk, wxWidgets.

use crate::{ORIGIN, SCREEN, judge, play_both};
use portcullis::picture::{self, Picture};
use portcullis::stage::{Sandbox, Stage, Step};
use portcullis::{guest, programs};
use std::fs;
use std::path::Path;

/// The folder so many levels above a program of the table's.
pub(crate) fn above(program: &str, levels: usize) -> std::path::PathBuf {
    let path = programs::windows(program);
    path.ancestors().nth(levels).unwrap().to_owned()
}

pub(crate) fn all(sandbox: &mut Sandbox, steps: &[Step<'_>]) {
    for step in steps {
        println!("{step:?}");
        sandbox.step(step);
    }
}

/// Qt 5 Designer: a form is made of a template and saved through the system's dialog, as under stock Wine.
#[test]
fn designer() {
    let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let package = above("designer", 2);
    let steps = [
        Step::Window("New Form"),
        // Here the dialog stands a few pixels higher than there.
        Step::Picture("begin", ORIGIN, SCREEN, 0.88),
        Step::Key("enter"),
        Step::Gone("New Form"),
        Step::Picture("form", ORIGIN, SCREEN, 0.95),
        // From the box of widgets onto the form, by drag and drop.
        Step::Drag((63, 321), (400, 250)),
        Step::Picture("dropped", ORIGIN, SCREEN, 0.95),
        Step::Key("ctrl+s"),
        Step::Window("Save Form As"),
        Step::Key("ctrl+a"),
        Step::Type(r"C:\stage\form.ui"),
        Step::Key("enter"),
        Step::Gone("Save Form As"),
        // The window below the dialog, which had a thread of its own, has the keyboard again.
        Step::Key("alt+f4"),
        Step::Gone("Qt Designer"),
    ];
    let words = [r"C:\qt5\bin\designer.exe"];
    let pictures = play_both("designer", &words, &steps, (ours.path(), theirs.path()), &[("qt5", &package)]);
    let form = fs::read_to_string(ours.path().join("form.ui")).unwrap();
    assert!(form.contains(r#"<widget class="QDialog" name="Dialog">"#) && form.trim_end().ends_with("</ui>"), "{form}");
    assert!(form.contains(r#"<widget class="QPushButton" name="pushButton">"#), "{form}");
    if let Ok(wine) = fs::read_to_string(theirs.path().join("form.ui")) {
        assert_eq!(form, wine);
    }
    judge(pictures);
}

/// Qt 5 Assistant: its own guide is opened, and searched on the page.
#[test]
fn assistant() {
    let folder = tempfile::tempdir().unwrap();
    let package = above("designer", 2);
    let mut sandbox = Sandbox::start_with(folder.path(), &[("qt5", &package)], r"C:\qt5\bin\assistant.exe");
    sandbox.step(&Step::Window("Qt Assistant"));
    let before = sandbox.picture();
    all(&mut sandbox, &[Step::Key("ctrl+f"), Step::Type("keyword"), Step::Key("enter")]);
    let found = sandbox.picture();
    picture::keep_one("assistant", &found);
    assert!(picture::similarity(&before, &found) < 0.995, "nothing was found and shown");
    all(&mut sandbox, &[Step::Key("ctrl+q"), Step::Gone("Qt Assistant")]);
}

/// Asks for a text; then starts notepad, types there, and tells what it finds in notepad's window.
const SCRIPT: &str = r#"#Requires AutoHotkey v2.0
#NoTrayIcon
g := Gui(, "AHK Two")
g.Add("Text",, "Name:")
e := g.Add("Edit", "w200 vName")
t := g.Add("Tab3",, ["General","View"])
t.UseTab(1)
tree := g.Add("TreeView", "r4 w200")
root := tree.Add("root")
tree.Add("leaf", root)
tree.Modify(root, "Expand")
t.UseTab()
g.Add("Slider", "w200", 30)
g.Add("Progress", "w200 h20", 60)
b := g.Add("Button", "Default", "OK")
b.OnEvent("Click", go)
g.OnEvent("Close", (*) => ExitApp(4))
g.Show()
go(*) {
    FileAppend(e.Value "|" WinGetTitle("A") "`n", "C:\stage\told.txt")
    Run("notepad")
    if WinWait("Untitled",, 60) {
        WinActivate
        Send("Hello from AHK{!}")
        while ControlGetText("Edit1", "ahk_class Notepad") != "Hello from AHK!"
            Sleep 50
        FileAppend(ControlGetClassNN(ControlGetHwnd("Edit1", "ahk_class Notepad")) "`n", "C:\stage\told.txt")
        WinSetTitle("Told", "ahk_class Notepad")
    }
}
"#;

/// AutoHotkey: a script with a window, which looks as under stock Wine, drives another program.
#[test]
fn autohotkey() {
    let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let package = above("autohotkey", 1);
    for folder in [&ours, &theirs] {
        fs::write(folder.path().join("script.ahk"), SCRIPT).unwrap();
    }
    let steps = [
        Step::Window("AHK Two"),
        Step::Type("Widget"),
        Step::Picture("typed", ORIGIN, SCREEN, 0.98),
        Step::Key("enter"),
        Step::Window("Told"),
        Step::Picture("told", ORIGIN, SCREEN, 0.97),
    ];
    let words = [r"C:\ahk\AutoHotkeyV2.exe", r"C:\stage\script.ahk"];
    let pictures = play_both("autohotkey", &words, &steps, (ours.path(), theirs.path()), &[("ahk", &package)]);
    for folder in [&ours, &theirs] {
        let told = fs::read_to_string(folder.path().join("told.txt"));
        if let Ok(told) = told {
            assert_eq!(told.replace('\r', ""), "Widget|AHK Two\nEdit1\n");
        } else {
            assert!(folder.path() == theirs.path(), "nothing was told");
        }
    }
    judge(pictures);
}

/// The picture that `tests/guest/sdl.c` draws.
fn sdl_picture(x: u32, y: u32) -> Picture {
    let mut drawn = Picture::from_pixel(400, 300, image::Rgb([0, 0, 64]));
    for (column, row) in (x..x + 60).flat_map(|column| (y..y + 40).map(move |row| (column, row))) {
        drawn.put_pixel(column, row, image::Rgb([255, 200, 0]));
    }
    for column in 0..400 {
        drawn.put_pixel(column, 299, image::Rgb([0, 255, 0]));
    }
    drawn
}

/// SDL 2 with its software renderer: each pixel is what the program drew; keys, texts and clicks arrive.
#[test]
fn sdl() {
    let package = above("sdl2", 1);
    let program = guest::program("sdl");
    let command = r"C:\stage\sdl.exe C:\sdl2\SDL2.dll";
    let mut sandbox = Sandbox::start_with(program.parent().unwrap(), &[("sdl2", &package)], command);
    sandbox.step(&Step::Window("SDL two"));
    let shown = |sandbox: &Sandbox| picture::part(&sandbox.picture(), (100, 100), (400, 300));
    assert!(shown(&sandbox) == sdl_picture(50, 50));
    all(&mut sandbox, &[Step::Key("right"), Step::Key("down"), Step::Type("ab")]);
    assert!(shown(&sandbox) == sdl_picture(70, 70));
    all(&mut sandbox, &[Step::Click(300, 250)]);
    assert!(shown(&sandbox) == sdl_picture(200, 150));
    picture::keep_one("sdl", &sandbox.picture());
    all(&mut sandbox, &[Step::Key("esc"), Step::Gone("SDL two")]);
    let said = sandbox.logs().replace('\r', "");
    let expected =
        "driver windows\nkey Right\nkey Down\nkey A\ntext a\nkey B\ntext b\nclick 200 150\nkey Escape\nend\n";
    assert_eq!(said, expected);
}

/// Widgets of Qt's, a text that is typed, and Qt's own picture of the window.
const QT6: &str = r#"import sys
sys.path.insert(0, r"C:\qt6")
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import (QApplication, QCheckBox, QComboBox, QLineEdit, QPushButton, QSlider, QTableWidget, QTableWidgetItem,
    QVBoxLayout, QWidget)
app = QApplication(sys.argv)
window = QWidget()
window.setWindowTitle("PySide six")
column = QVBoxLayout(window)
line = QLineEdit()
choice = QComboBox()
choice.addItems(["one", "two"])
slider = QSlider(Qt.Horizontal)
slider.setValue(40)
table = QTableWidget(3, 2)
table.setItem(0, 0, QTableWidgetItem("cell"))
check = QCheckBox("Check")
button = QPushButton("Save")
for widget in [line, choice, check, slider, table, button]:
    column.addWidget(widget)
def save():
    with open(r"C:\stage\told.txt", "w") as file:
        print(app.platformName(), line.text(), check.isChecked(), choice.currentText(), file=file)
    window.grab().save(r"C:\stage\grabbed.png")
    window.setWindowTitle("Saved")
# Not while the mark of the box is still being drawn.
button.clicked.connect(lambda: QTimer.singleShot(1000, save))
window.setGeometry(100, 100, 400, 400)
window.show()
sys.exit(app.exec())
"#;

pub(crate) fn python(folder: &Path, script: &str, others: &[(&str, &Path)]) -> Sandbox {
    fs::write(folder.join("script.py"), script).unwrap();
    let home = above("python", 1);
    let mut folders = vec![("python", home.as_path())];
    folders.extend(others);
    Sandbox::start_with(folder, &folders, r"C:\python\python.exe C:\stage\script.py")
}

/// Qt 6: what is shown is, pixel by pixel, what Qt drew.
#[test]
fn pyside() {
    let folder = tempfile::tempdir().unwrap();
    let (qt, shiboken) = (above("pyside6", 1), above("shiboken6", 1));
    let others = [(r"qt6\PySide6", qt.as_path()), (r"qt6\shiboken6", shiboken.as_path())];
    let mut sandbox = python(folder.path(), QT6, &others);
    let steps = [
        Step::Window("PySide six"),
        Step::Type("Widget"),
        Step::Key("tab"),
        Step::Key("down"),
        Step::Key("tab"),
        Step::Key("space"),
        Step::Key("alt+s"),
    ];
    all(&mut sandbox, &steps);
    // The button at the lower edge.
    all(&mut sandbox, &[Step::Click(300, 485), Step::Window("Saved")]);
    let told = fs::read_to_string(folder.path().join("told.txt")).unwrap();
    assert_eq!(told.trim_end(), "windows Widget True two");
    // Above the button, whose frame glows while the mouse is over it.
    let still = |whole: &Picture, at| picture::part(whole, at, (400, 360));
    let grabbed = still(&picture::read(&folder.path().join("grabbed.png")), (0, 0));
    let shown = still(&sandbox.picture(), (100, 100));
    picture::keep("pyside", &shown, &grabbed);
    picture::keep_one("pyside-screen", &sandbox.picture());
    assert!(shown == grabbed, "what is shown is not what Qt drew");
    all(&mut sandbox, &[Step::Key("alt+f4"), Step::Gone("Saved")]);
}

/// Widgets of Tk's, from Python's own library.
const TK: &str = r#"import tkinter
from tkinter import ttk
top = tkinter.Tk()
top.title("Tk here")
top.geometry("360x300+50+50")
line = ttk.Entry(top)
line.pack()
line.focus()
ttk.Combobox(top, values=["one", "two"]).pack()
ttk.Checkbutton(top, text="Check").pack()
ttk.Scale(top).pack()
text = tkinter.Text(top, height=5, width=30)
text.insert("1.0", "some text")
text.pack()
canvas = tkinter.Canvas(top, width=100, height=60)
canvas.create_oval(5, 5, 90, 50, fill="red")
canvas.pack()
def go(*_):
    with open(r"C:\stage\told.txt", "w") as file:
        file.write(line.get())
    top.destroy()
line.bind("<Return>", go)
top.mainloop()
"#;

/// Tk: a text is typed, and what is painted is there. It shows its window without making it active, and makes it active then: such a program comes to the
/// foreground too.
#[test]
fn tk() {
    let folder = tempfile::tempdir().unwrap();
    let mut sandbox = python(folder.path(), TK, &[]);
    all(&mut sandbox, &[Step::Window("Tk here"), Step::Type("Hello, Tk: 5 of 6!")]);
    let shown = sandbox.picture();
    picture::keep_one("tk", &shown);
    let red = shown.pixels().filter(|pixel| **pixel == image::Rgb([255, 0, 0])).count();
    assert!((2500..3500).contains(&red), "{red} red pixels");
    all(&mut sandbox, &[Step::Key("enter"), Step::Gone("Tk here")]);
    assert_eq!(fs::read_to_string(folder.path().join("told.txt")).unwrap(), "Hello, Tk: 5 of 6!");
}

/// Controls of the system's, and what GDI+ draws.
const WX: &str = r#"import sys
sys.path.insert(0, r"C:\wx")
import wx
import wx.grid
app = wx.App()
frame = wx.Frame(None, title="wx here", pos=(50, 50), size=(500, 450))
column = wx.BoxSizer(wx.VERTICAL)
panel = wx.Panel(frame)
line, choice, button = wx.TextCtrl(panel), wx.Choice(panel, choices=["one", "two"]), wx.Button(panel, label="&Save")
grid = wx.grid.Grid(panel)
grid.CreateGrid(2, 3)
drawn = wx.Panel(panel, size=(300, 120))
def paint(event):
    context = wx.GraphicsContext.Create(wx.PaintDC(drawn))
    context.SetBrush(wx.Brush(wx.Colour(255, 0, 0)))
    context.DrawEllipse(10, 10, 200, 100)
drawn.Bind(wx.EVT_PAINT, paint)
for part in [line, choice, grid, drawn, button]:
    column.Add(part, 0, wx.ALL, 4)
panel.SetSizer(column)
def save(event):
    grid.SetCellValue(0, 0, line.GetValue())
    with open(r"C:\stage\told.txt", "w") as file:
        print(line.GetValue(), choice.GetStringSelection(), grid.GetCellValue(0, 0), wx.GraphicsRenderer.GetDefaultRenderer().GetName(), file=file)
    frame.SetTitle("Saved")
button.Bind(wx.EVT_BUTTON, save)
bar = wx.MenuBar()
menu = wx.Menu()
menu.Append(wx.ID_EXIT)
bar.Append(menu, "&File")
frame.SetMenuBar(bar)
frame.Bind(wx.EVT_MENU, lambda event: frame.Close(), id=wx.ID_EXIT)
frame.Show()
line.SetFocus()
app.MainLoop()
"#;

/// wxWidgets: a text is typed, a choice made by keys, the menu ends it; what GDI+ draws is there.
#[test]
fn wx() {
    let folder = tempfile::tempdir().unwrap();
    let home = above("wx", 2);
    let mut sandbox = python(folder.path(), WX, &[("wx", &home)]);
    all(
        &mut sandbox,
        &[
            Step::Window("wx here"),
            Step::Type("Widget"),
            Step::Key("tab"),
            Step::Key("down"),
            Step::Key("down"),
            Step::Key("alt+s"),
        ],
    );
    sandbox.step(&Step::Window("Saved"));
    let shown = sandbox.picture();
    picture::keep_one("wx", &shown);
    let red = shown.pixels().filter(|pixel| **pixel == image::Rgb([255, 0, 0])).count();
    // An ellipse's surface, less its smoothed edge.
    assert!((15_000..15_710).contains(&red), "{red} red pixels");
    assert_eq!(fs::read_to_string(folder.path().join("told.txt")).unwrap().trim_end(), "Widget two Widget gdiplus");
    all(&mut sandbox, &[Step::Key("alt+f"), Step::Key("up"), Step::Key("enter"), Step::Gone("Saved")]);
}
