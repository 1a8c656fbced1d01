//! A process that writes anything into the memory: the others go on, with whatever answers, and come to an end with all that they do.
//!
//! A session is made once: members with windows, messages, timers, hooks and so on. Each round has it anew, damages some of its words and has the others do
//! all that they can do, in some order. Rounds are the same in every run; `PORTCULLIS_HOSTILE_ROUNDS` says how many there are, and
//! `PORTCULLIS_HOSTILE_FIRST` with which the run begins:
//! `PORTCULLIS_HOSTILE_ROUNDS=1000000 cargo test -p ntum --lib shm::tests::hostile`.

use super::super::arena::Members;
use super::super::waste::{TURN, Waste};
use super::user::{desktop, queue, window};
use super::waits::{Member, Sandbox};
use super::{Machine, limit_looks, memory};
use crate::host::Wake;
use crate::ke::dispatcher;
use crate::shm::user::app_bar::Edge;
use crate::shm::user::handle::Kind;
use crate::shm::user::hardware::{Hardware, key, number};
use crate::shm::user::hook::Hook;
use crate::shm::user::icon::Picture;
use crate::shm::user::message::{Message, Sending, how};
use crate::shm::user::mode::Mode;
use crate::shm::user::paint::{Placed, rdw, swp, update};
use crate::shm::user::queue as queues;
use crate::shm::user::raw::{self, Wish};
use crate::shm::user::surface::{EX_LAYERED, Layered, Surface, layered};
use crate::shm::user::timer::Timer;
use crate::shm::user::tray::{Balloon, Change, Name, event};
use crate::shm::user::visible::dcx;
use crate::shm::user::window::{Made, Order, field};
use crate::shm::{Shm, Tx, layout};
use crate::win32k::gdi::region::Region;
use crate::win32k::geometry::Rect;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};

/// Rounds of a run that nobody asked for more of.
const ROUNDS: u64 = 2000;
/// Looks at words that one action takes at most: the memory is small.
const MOST_LOOKS: u64 = 4_000_000;
/// Words of the heap.
const HEAP: usize = 0x6000;

/// A machine on which nobody sleeps: what is waited for never comes, and a lock's holder is asked about at once.
struct Alone;

/// Members of a session; of other numbers there is none.
const MEMBERS: u32 = 3;

impl Members for Alone {
    fn alive(&self, member: u32) -> bool {
        (1..=MEMBERS).contains(&member)
    }

    fn wait_shared(&self, _: &AtomicU32, _: u32, deadline: Option<u64>) -> Wake {
        assert!(deadline.is_some(), "sleeps for ever");
        super::look();
        Wake::TimedOut
    }

    fn wake_shared(&self, _: &AtomicU32, _: u32) {}

    fn dispose(&'static self, _: &Waste) {}

    fn monotonic(&self) -> u64 {
        0
    }
}

/// Numbers by chance, Marsaglia's xorshift64.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

/// What the members know of a session, each of its own.
struct Session {
    words: &'static [AtomicU32],
    /// The heap and the tables in front of it as they were made.
    made: Vec<(usize, u32)>,
    members: Vec<Shm>,
    records: Vec<u32>,
    queues: Vec<u32>,
    windows: Vec<u32>,
    handles: Vec<u32>,
    desktop: u32,
    hook: u32,
    icon: u32,
    tray_icon: u32,
    context: u32,
    sent: u32,
    voice: u32,
    /// Places that something stands at: what damage is done to, and done with.
    places: Vec<u32>,
}

fn letter(window: u32, number: u32) -> Message {
    Message { window, number, wparam: 7, lparam: 9, ..Message::default() }
}

impl Session {
    fn make() -> Session {
        let words = memory(layout::HEAP as usize + HEAP);
        let sandbox = Sandbox { machine: Machine::leak(), words };
        let all: Vec<Member> = (1..=MEMBERS).map(|number| sandbox.join(number)).collect();
        let desktop = desktop(&all[0]);
        let queues: Vec<u32> = all.iter().zip([4, 8, 12]).map(|(member, thread)| queue(member, thread)).collect();
        let mut windows = Vec::new();
        let mut handles = Vec::new();
        for (member, queue) in all.iter().zip(&queues) {
            let (top, handle) = window(member, *queue, desktop);
            let (child, inner) = window(member, *queue, top);
            let (owned, other) = window(member, *queue, desktop);
            windows.extend([top, child, owned]);
            handles.extend([handle, inner, other]);
        }
        let a = &all[0];
        let mut tx = a.shm.begin();
        tx.attach_display(all[1].record).unwrap();
        for (at, window) in (0..).zip(windows.iter().copied()) {
            let rect = Rect::sized(at * 3, at * 2, 40, 30);
            let (order, valid) = (Order::Top, Rect::default());
            let placed = Placed { flags: swp::SHOW | swp::NO_COPY_BITS, order, window: rect, client: rect, valid };
            tx.place_window(window, &placed);
            tx.set_surface(window, &Surface { number: 5 + at as u64, width: 40, height: 30 });
            tx.set_window_bytes(window, field::TEXT, b"t\0e\0x\0t\0").unwrap();
            if at % 3 == 2 {
                tx.set(window + field::OWNER, windows[at as usize - 2]);
                tx.set(window + field::EX_STYLE, EX_LAYERED);
                tx.set_layered(window, &Layered { flags: layered::SET | layered::ALPHA, alpha: 9, key: 0 });
                tx.set_window_region(window, Some(&[Rect::sized(0, 0, 9, 9), Rect::sized(0, 9, 20, 9)])).unwrap();
            }
            tx.redraw(window, None, true, rdw::INVALIDATE | rdw::ERASE | rdw::FRAME);
        }
        tx.commit().unwrap();
        let mut tx = a.shm.begin();
        let waits = Sending { data: b"data".to_vec(), ..Sending::default() };
        let sent = tx.send_message(queues[0], queues[1], &letter(handles[3], 5), &waits).unwrap();
        for (from, to) in [(0, 1), (1, 2), (2, 0), (0, 2)] {
            let told = Sending { how: how::NOTIFY, ..Sending::default() };
            tx.send_message(queues[from], queues[to], &letter(handles[to * 3], 6), &told).unwrap();
            tx.send_message(queues[from], queues[to], &letter(handles[to * 3], 7), &Sending::default()).unwrap();
            let back = Sending { how: how::CALLBACK, callback: (1, 2), ..Sending::default() };
            tx.send_message(queues[from], queues[to], &letter(handles[to * 3], 8), &back).unwrap();
            tx.post_message(queues[to], &letter(handles[to * 3], 9)).unwrap();
            tx.post_message_with(queues[to], &letter(handles[to * 3 + 1], 10), b"with").unwrap();
        }
        let hook = |kind, owner: usize| Hook {
            kind,
            owner: queues[owner],
            owner_thread: 4 * (owner as u32 + 1),
            owner_process: 1,
            events: (1, 99),
            module: b"m\0".to_vec(),
            ..Hook::default()
        };
        for owner in 0..3 {
            let timer = Timer { window: handles[owner * 3], id: 3, due: 5, period: 7, ..Timer::default() };
            tx.set_user_timer(queues[owner], &timer).unwrap();
            tx.set_user_timer(queues[owner], &Timer { id: 4, ..timer }).unwrap();
            tx.add_hook(&hook(3, owner)).unwrap();
            tx.add_hot_key(queues[owner], handles[owner * 3], 1, 2, 0x41 + owner as u32).unwrap();
            let wish = Wish { usage: raw::MOUSE, flags: 0x100, target: handles[owner * 3] };
            tx.set_raw_device(all[owner].record, raw::MOUSE, Some(wish)).unwrap();
        }
        let hook = tx.add_hook(&hook(15, 1)).unwrap();
        tx.commit().unwrap();
        let mut tx = a.shm.begin();
        let icon = tx.new_icon(a.record).unwrap();
        let picture = Picture { width: 2, height: 2, point: (0, 0), pixels: vec![7; 16] };
        tx.publish_cursor(icon, &picture).unwrap();
        tx.show_cursor(icon);
        let context = tx.add_input_context(queues[0], 4, 77).unwrap();
        let name = Name { owner: handles[0], id: 1, guid: None };
        let balloon = Balloon { text: b"b\0".to_vec(), timeout: 9, ..Balloon::default() };
        let change =
            Change { callback: Some(0x500), tip: Some(b"t\0".to_vec()), balloon: Some(balloon), ..Change::default() };
        let tray_icon = tx.add_tray_icon(&name, &change).unwrap().unwrap();
        tx.turn_balloons(1);
        tx.add_app_bar(handles[3], 0x501).unwrap();
        tx.place_app_bar(handles[3], Edge::Top, Rect::sized(0, 0, 100, 8));
        tx.show_switcher(all[1].record, &handles, 1).unwrap();
        tx.open_clipboard(queues[0], handles[0]).unwrap();
        tx.empty_clipboard().unwrap();
        tx.set_clipboard_data(13, Some(b"c\0l\0i\0p\0"), 9).unwrap();
        tx.set_clipboard_data(0xc001, None, 9).unwrap();
        tx.listen_to_clipboard(handles[6], true).unwrap();
        tx.close_clipboard(3).unwrap();
        tx.attach_outside(all[1].record).unwrap();
        tx.attach_sound(all[1].record).unwrap();
        tx.set_foreground(tx.input_of(queues[0]));
        let input = tx.input_of(queues[0]);
        for (role, which) in [(1, 0), (2, 1), (3, 0), (6, 1)] {
            tx.set(input + role, windows[which]);
        }
        let press = Hardware { message: letter(0, number::KEY_DOWN), ..Hardware::default() };
        tx.queue_hardware(&press, true, 4).unwrap();
        let voice = tx.allocate(60).unwrap();
        tx.free(voice);
        tx.commit().unwrap();
        let top = words[layout::TOP as usize].load(Ordering::Relaxed) as usize;
        assert!(top < words.len() - 0x800, "the session leaves some of the memory");
        let made: Vec<(usize, u32)> = (0..words.len())
            .filter(|at| *at < layout::LOG as usize || *at >= layout::HEAP as usize)
            .map(|at| (at, words[at].load(Ordering::Relaxed)))
            .collect();
        let places = made.iter().filter(|(_, word)| *word != 0).map(|(at, _)| *at as u32).collect();
        Session {
            words,
            made,
            members: (1..=MEMBERS).map(|number| Shm::new(words, &Alone, number)).collect(),
            records: all.iter().map(|member| member.record).collect(),
            queues,
            windows,
            handles,
            desktop,
            hook,
            icon,
            tray_icon,
            context,
            sent,
            voice,
            places,
        }
    }

    fn restore(&self) {
        for (at, word) in &self.made {
            self.words[*at].store(*word, Ordering::Relaxed);
        }
    }

    /// Writes something where it does harm, most often where something stands.
    fn damage(&self, chance: &mut Chance) {
        let place = match chance.below(8) {
            0 => chance.below(self.words.len()) as u32,
            1 => chance.of(&self.windows) + chance.below(field::COUNT as usize) as u32,
            2 => chance.of(&self.queues) + chance.below(queues::field::COUNT as usize) as u32,
            3 => layout::TOP + chance.below((layout::LOG - layout::TOP) as usize) as u32,
            _ => chance.of(&self.places),
        };
        let known = [&self.windows, &self.queues, &self.records, &self.places];
        let there = self.words[chance.of(&self.places) as usize].load(Ordering::Relaxed);
        let value = match chance.below(16) {
            0 => 0,
            1 => u32::MAX,
            2 => chance.below(64) as u32,
            3 => chance.next() as u32,
            4 => i32::MAX as u32 + chance.below(2) as u32,
            5 => u32::MAX - chance.below(600) as u32,
            6 => place,
            7 => chance.of(&self.handles),
            8 => layout::HEAP + chance.below(HEAP) as u32,
            9 => self.words.len() as u32 - chance.below(3) as u32,
            10 => chance.of(&known).iter().copied().nth(chance.below(8)).unwrap_or(0),
            11 => chance.of(&self.windows),
            _ => there,
        };
        // Nobody can tell a lock that a living member holds from one that says so.
        let is_lock = [layout::LOCK, TURN].contains(&place);
        let value = if is_lock && value & !(1 << 31) <= MEMBERS { value + MEMBERS + 1 } else { value };
        self.words[place as usize].store(value, Ordering::Relaxed);
    }

    /// Something that a member does.
    fn act(&self, which: usize, chance: &mut Chance) -> bool {
        let shm = chance.of(&[0, 1, 2]);
        let (me, mine, shm) = (self.records[shm], self.queues[shm], &self.members[shm]);
        let (window, other, handle) = (chance.of(&self.windows), chance.of(&self.windows), chance.of(&self.handles));
        let rect = Rect::sized(chance.below(90) as i32, chance.below(90) as i32, 50, 20);
        let mut tx = shm.begin();
        match which {
            0 => see(tx.windows_of(mine)),
            1 => see((tx.children(self.desktop), tx.ancestors(window), tx.origin(window), tx.is_visible(window))),
            2 => {
                for order in [Order::Top, Order::Bottom, Order::Behind(other), Order::Topmost, Order::NotTopmost] {
                    tx.restack(window, order);
                }
            }
            3 => see(tx.reparent(window, other)),
            4 => {
                let flags = chance.next() as u32 & 0xffff;
                let placed = Placed { flags, order: Order::Behind(other), window: rect, client: rect, valid: rect };
                tx.place_window(window, &placed);
            }
            5 => {
                let region = Region::from(rect);
                tx.redraw(window, Some(&region), chance.below(2) == 0, chance.next() as u32 & 0xfff);
                tx.redraw(window, None, false, rdw::INVALIDATE | rdw::ALL_CHILDREN);
            }
            6 => {
                let wanted = chance.next() as u32 & 0x1ff;
                see((tx.take_due(window, other, wanted), tx.take_due(window, 0, update::PAINT)));
                tx.window_to_paint(mine, 0);
            }
            7 => see((tx.visible_region(window, dcx::CLIP_CHILDREN), tx.visible_region(window, dcx::WINDOW))),
            8 => see(tx.reshape(window, Some(&[rect]), true)),
            9 => {
                for window in tx.top_levels() {
                    tx.take_damage(window.record);
                }
                see((tx.switched(), tx.work_area(), tx.shown_cursor(), tx.cursor_picture(tx.shown_cursor().0)));
            }
            10 => {
                let place = (rect.left, rect.top);
                let top = tx.top_window_at(place.0, place.1);
                see((tx.windows_at(top, place.0, place.1), tx.windows_met(window, place.0, place.1)));
                see(tx.move_cursor(place));
            }
            11 => {
                see(tx.post_message(mine, &letter(handle, 3)));
                see(tx.take_posted(mine, true, |_, message| message.window == handle));
                see(tx.take_posted(mine, chance.below(2) == 0, |_, _| true));
                tx.forget_posted(mine, window);
            }
            12 => {
                let sending = Sending { how: chance.next() as u32 & 0x1f, ..Sending::default() };
                see(tx.send_message(mine, chance.of(&self.queues), &letter(handle, 3), &sending));
                if let Some(sent) = tx.receive_message(mine) {
                    tx.reply_early(mine, 4, b"back");
                    tx.answer_message(mine, sent.record, 5, b"late");
                }
                see((tx.unanswered(mine), tx.answering(mine), tx.take_called_back(mine)));
            }
            13 if chance.below(2) == 0 => see(tx.take_answer(self.sent)),
            13 => tx.withdraw_message(self.sent),
            14 => {
                see(tx.set_user_timer(mine, &Timer { window: handle, id: 3, ..Timer::default() }));
                see((tx.due_timer(mine, 99, true, |_, _| true), tx.next_timer(mine), tx.free_timer_id(mine)));
                tx.kill_user_timer(mine, handle, 0, 3);
            }
            15 => {
                see((tx.hooks_of(3, 4, 1, None), tx.hooks_of(15, 4, 1, Some(5)), tx.find_hook(self.hook)));
                see(tx.hook_with(4, 3, 0));
                tx.remove_hook(self.hook, true);
                see(tx.add_hook(&Hook { kind: 5, owner: mine, ..Hook::default() }));
            }
            16 => {
                see(tx.open_clipboard(mine, handle));
                see(tx.set_clipboard_data(1, Some(b"other"), 3));
                see((tx.clipboard_data(13, true), tx.clipboard_data(13, false), tx.clipboard_formats()));
                see(tx.listen_to_clipboard(handle, chance.below(2) == 0));
                see(tx.close_clipboard(4));
                see(tx.release_clipboard(handle, 5));
            }
            17 => {
                see(tx.offer_from_outside(me, &[1, 2, 13], 9, 5));
                see((tx.wanted_from_outside(me), tx.want_from_outside(13).is_some()));
                see(tx.answer_from_outside(13, Some(b"out")));
                see(tx.take_out(13));
                tx.end_take_out();
                tx.outside_has_nothing(me);
            }
            18 => see(tx.empty_clipboard()),
            19 => {
                let number = chance.of(&[number::MOUSE_MOVE, number::LEFT_DOWN, number::KEY_DOWN, number::KEY_UP]);
                let mut message = letter(0, number);
                message.place = (rect.left, rect.top);
                message.wparam = u64::from(key::SHIFT);
                see(tx.queue_hardware(&Hardware { message, ..Hardware::default() }, true, 5));
                see(tx.queue_raw(raw::MOUSE, 1, &message, b"raw", 5));
            }
            20 => {
                if let Some(found) = tx.next_hardware(mine, 0, |_, _, _| true) {
                    see(tx.next_hardware(mine, found.id, |_, _, _| true));
                    tx.accept_hardware(mine, found.id);
                }
                tx.sync_keys(tx.input_of(mine));
            }
            21 => {
                tx.join_input(mine, chance.of(&self.queues));
                tx.count_cursor(mine, -1);
            }
            22 => see(tx.split_input(mine)),
            23 => {
                tx.set_foreground(tx.input_of(mine));
                see((tx.active_window(), tx.comes_forward(window), tx.foreground_layout()));
                see(tx.bring_forward(window));
            }
            24 => {
                see((tx.shown_icons(), tx.tip_of(self.tray_icon), tx.balloon_of(self.tray_icon)));
                tx.turn_balloons(chance.below(20) as u32);
                tx.hover_icon(self.tray_icon);
                tx.tell_of_icon(self.tray_icon, event::SELECT);
                tx.press_icon(self.tray_icon, 3, 4, 5);
            }
            25 => tx.drop_tray_icon(self.tray_icon),
            26 => {
                let name = Name { owner: handle, id: 2, guid: Some([1, 2, 3, 4]) };
                see(tx.add_tray_icon(&name, &Change::default()));
                see((tx.switching(), tx.keyed(), tx.shows_task_bar(), tx.is_of_tray(window)));
                tx.hide_switcher(me);
            }
            27 => {
                see(tx.add_app_bar(handle, 9));
                tx.place_app_bar(handle, Edge::Left, rect);
                tx.hide_app_bar(handle, Edge::Left, true);
                tx.drop_app_bar(handle);
            }
            28 => {
                let mode = Mode { width: 90, height: 80 + chance.below(9) as u32, depth: 32 };
                see(tx.set_screen_mode(mode, 1));
                see((tx.post_mode(1), tx.keep_mode(mode)));
            }
            29 => {
                see(tx.add_hot_key(mine, handle, 5, 1, 0x50));
                tx.remove_hot_key(mine, handle, 5);
                see(tx.set_raw_device(me, raw::KEYBOARD, None));
                see(tx.raw_devices(me));
            }
            30 => {
                see((tx.input_context(self.context), tx.input_contexts(None, |_| true)));
                see(tx.add_input_context(mine, 4, 5));
                tx.drop_input_context(self.context);
            }
            31 => {
                see(tx.new_icon(me));
                see((tx.is_icon(self.icon), tx.user_handles(Kind::Window), tx.user_handles(Kind::Menu)));
                tx.drop_icon(self.icon);
            }
            32 => {
                see(tx.set_window_bytes(window, field::PROPERTIES, &[7; 40]));
                see([field::TEXT, field::PROPERTIES, field::EXTRA, field::SCROLL].map(|at| tx.window_bytes(window, at)));
                see((tx.told_rect(window, field::WINDOW_RECT), tx.client_start(window), tx.is_orphan(window)));
            }
            33 => {
                let made = Made { member: me, queue: mine, parent: other, extra: 8, ..Made::default() };
                see(tx.make_window(&made));
            }
            34 => {
                tx.begin_to_go(window);
                tx.orphan_children(window);
                tx.drop_window(window);
            }
            35 => {
                let event = tx.new_object(0, dispatcher::Kind::Notification, 0, 0);
                see(event.and_then(|event| tx.make_queue(me, 99, event)));
                see((tx.queue_of(99), tx.restless_queues()));
            }
            36 => tx.drop_queue(mine),
            37 => {
                see(tx.attach_sound(me));
                see(tx.add_voice(me));
                for voice in tx.voices() {
                    see(tx.frames_of(voice, 3, 4).collect::<Vec<_>>());
                }
                tx.drop_voice(self.voice);
                tx.sound_loses(me);
            }
            38 => {
                see((tx.add_atom(&[65, 66]), tx.names(), tx.members()));
            }
            39 => {
                drop(tx);
                see(shm.await_messages(mine, (queues::POSTED, queues::INPUT), Some(4), true));
                see((shm.has_display(), shm.display_sequence(), shm.window_generation(), shm.screen_mode()));
                shm.await_display(0, Some(1));
                see((shm.is_hooked(3), shm.desk_word(5), shm.queue_awaits(mine), shm.sound_is_heard()));
                shm.looked_for_message(mine, false);
                return true;
            }
            40 => {
                // The end of a member: all that it has goes.
                drop(tx);
                see(shm.reap(chance.below(3) as u32 + 1));
                return true;
            }
            41 => {
                drop(tx);
                see((shm.collect(), shm.merge_free(), shm.dispose()));
                return true;
            }
            _ => return false,
        }
        // What is too much for a transaction has not happened.
        see(tx.commit());
        true
    }
}

/// Has something asked for, whatever the answer.
fn see<T>(_: T) {}

thread_local! {
    /// What went wrong last: where, with what words.
    static LAST: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Notes where the tests' panics come from, instead of telling each.
fn note_panics() {
    super::quietly();
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if std::thread::current().name() != Some(NAME) {
                return before(info);
            }
            let said = info.payload_as_str().unwrap_or_default();
            let mut text = format!("{} {said}", info.location().map_or(String::new(), ToString::to_string));
            if said.starts_with("looks") {
                let trace = std::backtrace::Backtrace::force_capture().to_string();
                let own = trace.lines().filter(|line| line.contains("ntum::") && !line.contains("look"));
                text.extend(own.take(7).map(|line| format!("\n    {}", line.trim())));
            }
            LAST.set(text);
        }));
    });
}

/// The thread that is hostile to itself.
const NAME: &str = "hostile words";

fn number_of(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Rounds from one on; answers what went wrong, each once, with the round and how often.
fn run(first: u64, rounds: u64) -> BTreeMap<String, (u64, u64)> {
    let session = Session::make();
    let count = {
        let mut chance = Chance(1);
        (0..).take_while(|which| session.act(*which, &mut chance)).count()
    };
    let mut wrong: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for round in first..first.saturating_add(rounds) {
        session.restore();
        let mut chance = Chance((round + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        for _ in 0..=chance.below(12) {
            session.damage(&mut chance);
        }
        for _ in 0..20 {
            let which = chance.below(count);
            limit_looks(MOST_LOOKS);
            let end = catch_unwind(AssertUnwindSafe(|| session.act(which, &mut chance)));
            limit_looks(u64::MAX);
            if end.is_err() {
                let found = wrong.entry(format!("act {which}: {}", LAST.take())).or_insert((round, 0));
                found.1 += 1;
                break;
            }
            if chance.below(4) == 0 {
                session.damage(&mut chance);
            }
        }
    }
    wrong
}

#[test]
fn whatever_the_memory_holds_its_members_go_on() {
    note_panics();
    let (first, rounds) = (number_of("PORTCULLIS_HOSTILE_FIRST"), number_of("PORTCULLIS_HOSTILE_ROUNDS"));
    let act = move || run(first.unwrap_or(0), rounds.unwrap_or(ROUNDS));
    let act = move || catch_unwind(act).map_err(|_| LAST.take());
    let wrong = std::thread::Builder::new().name(NAME.into()).spawn(act).unwrap().join().unwrap().unwrap();
    let all: Vec<String> =
        wrong.iter().map(|(what, (round, times))| format!("round {round}, {times} times: {what}")).collect();
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[test]
fn damage_is_noticed() {
    // A transaction that looks without end is told of, so that the test above can fail.
    note_panics();
    let act = || {
        let shm = Shm::new(memory(layout::HEAP as usize + HEAP), &Alone, 1);
        limit_looks(1000);
        let end = catch_unwind(AssertUnwindSafe(|| {
            let tx: Tx<'_> = shm.begin();
            while tx.get(layout::HEAP) == 0 {}
        }));
        limit_looks(u64::MAX);
        end.is_err()
    };
    assert!(std::thread::Builder::new().name(NAME.into()).spawn(act).unwrap().join().unwrap());
}
