//! The clipboard over RDP (MS-RDPECLIP): text, images and files, as far as the sandbox's policy lets them through. Each side tells what it has; the data
//! goes over when somebody pastes, that of files part by part.

use crate::hub::{EVENT, Session, lock};
use ironrdp_cliprdr::backend::{ClipboardMessage, CliprdrBackend, CliprdrBackendFactory};
use ironrdp_cliprdr::pdu::{
    ClipboardFormat, ClipboardFormatId, ClipboardFormatName, ClipboardGeneralCapabilityFlags, FileContentsFlags,
    FileContentsRequest, FileContentsResponse, FileDescriptor, FormatDataRequest, FormatDataResponse, LockDataId,
    OwnedFormatDataResponse, PackedFileList,
};
use ironrdp_core::{decode, encode_vec, impl_as_any};
use ironrdp_server::{CliprdrServerFactory, ServerEvent, ServerEventSender};
use shim_abi::display::{Clip, FileRange, MAX_CLIP};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc::UnboundedSender;

/// Most requests for the client's data that may wait for it.
const MOST: usize = 8;
/// Positions from there on need a capability.
const HUGE: u64 = 1 << 31;
/// UTF-16 units that a file's name may have.
const MOST_NAME: usize = 259;

/// A client's channel.
#[derive(Default)]
pub struct Channel {
    sender: Mutex<Option<UnboundedSender<ServerEvent>>>,
    /// Tags of what the client was asked for, in order, and what it was.
    asked: Mutex<VecDeque<(u32, Clip)>>,
    /// Whether the client is ready to hear of what there is.
    ready: AtomicBool,
    files: Mutex<Files>,
}

/// What goes over as files.
#[derive(Default)]
struct Files {
    /// What both sides can.
    able: bool,
    huge: bool,
    /// The client's number for its list of files; the sizes of those that it told of.
    format: Option<ClipboardFormatId>,
    theirs: Vec<Option<u64>>,
    /// What the client is offered beside the sandbox's files, until it is known which those are; their sizes.
    offered: Vec<Clip>,
    ours: Vec<u64>,
    /// Whether the client was ever told of anything.
    told: bool,
}

fn id(clip: Clip) -> ClipboardFormatId {
    match clip {
        Clip::Text => ClipboardFormatId::CF_UNICODETEXT,
        Clip::Image => ClipboardFormatId::CF_DIB,
        // Each side has a number of its own for it.
        Clip::Files => ClipboardFormatId::new(0),
    }
}

fn clip(id: ClipboardFormatId) -> Option<Clip> {
    [Clip::Text, Clip::Image].into_iter().find(|clip| self::id(*clip) == id)
}

/// What the sandbox says of its files, if the client can be told: names that it would not get would have it take one file for another.
fn listed(bytes: &[u8]) -> Option<Vec<FileDescriptor>> {
    let files = decode::<PackedFileList>(bytes).ok()?.files;
    let fits = |file: &FileDescriptor| {
        let whole = file.relative_path.iter().chain([&file.name]).map(|part| part.encode_utf16().count() + 1);
        !file.name.is_empty()
            && !file.name.contains(':')
            && !file.name.starts_with(['/', '\\'])
            && whole.sum::<usize>() <= MOST_NAME + 1
    };
    Some(files).filter(|files| !files.is_empty() && files.iter().all(fits))
}

impl Channel {
    fn send(&self, message: ClipboardMessage) {
        if let Some(sender) = &*lock(&self.sender) {
            // A connection that has ended hears nothing.
            let _ = sender.send(ServerEvent::Clipboard(message));
        }
    }

    /// The sandbox has that on its clipboard.
    pub fn offer(&self, session: &Session, clips: &[Clip]) {
        if !self.ready.load(Ordering::Relaxed) {
            return;
        }
        let others: Vec<Clip> = clips.iter().copied().filter(|clip| *clip != Clip::Files).collect();
        let mut files = lock(&self.files);
        files.ours.clear();
        if files.able && clips.contains(&Clip::Files) && session.clip_ask(Clip::Files) {
            // The client is told of them together with what they are.
            files.offered = others;
            return;
        }
        drop(files);
        self.offer_all(&others);
    }

    fn offer_all(&self, clips: &[Clip]) {
        // Who is told that there is nothing gives up what it has itself.
        if clips.is_empty() && !lock(&self.files).told {
            return;
        }
        lock(&self.files).told = true;
        let formats = clips.iter().map(|clip| ClipboardFormat::new(id(*clip))).collect();
        self.send(ClipboardMessage::SendInitiateCopy(formats));
    }

    /// A program pastes what the client has.
    pub fn want(&self, session: &Session, tag: u32, clip: Clip) {
        let mut asked = lock(&self.asked);
        if asked.len() >= MOST || lock(&self.sender).is_none() {
            session.clip_answer(tag, &[]);
            return;
        }
        let format = if clip == Clip::Files { lock(&self.files).format } else { Some(id(clip)) };
        let Some(format) = format else { return session.clip_answer(tag, &[]) };
        asked.push_back((tag, clip));
        drop(asked);
        self.send(ClipboardMessage::SendInitiatePaste(format));
    }

    /// A program pastes a part of a file of the client's.
    pub fn want_file(&self, session: &Session, tag: u32, range: &FileRange) {
        let files = lock(&self.files);
        let size = files.theirs.get(range.index as usize);
        let end = range.offset.saturating_add(range.length.into());
        // What the protocol's crate refuses ends the connection.
        let fits = range.length != 0
            && (files.huge || range.offset < HUGE)
            && size.is_some_and(|size| size.is_none_or(|size| end <= size));
        if !files.able || !fits || lock(&self.sender).is_none() {
            return session.file_answer(tag, None);
        }
        drop(files);
        self.send(ClipboardMessage::SendFileContentsRequest(FileContentsRequest {
            stream_id: tag,
            index: range.index as i32,
            flags: FileContentsFlags::RANGE,
            position: range.offset,
            requested_size: range.length,
            data_id: None,
        }));
    }

    /// The client gets a part of a file that it asked for; `None` stands for a refusal.
    pub fn give_file(&self, stream: u32, data: Option<Vec<u8>>) {
        let answer = match data {
            Some(bytes) => FileContentsResponse::new_data_response(stream, bytes),
            None => FileContentsResponse::new_error(stream),
        };
        self.send(ClipboardMessage::SendFileContentsResponse(answer));
    }

    /// The sandbox's files are known: the client is told.
    fn give_list(&self, bytes: &[u8]) {
        let mut files = lock(&self.files);
        let Some(list) = listed(bytes) else {
            let others = std::mem::take(&mut files.offered);
            drop(files);
            return self.offer_all(&others);
        };
        files.ours = list.iter().map(|file| file.file_size.unwrap_or(0)).collect();
        files.told = true;
        drop(files);
        self.send(ClipboardMessage::SendInitiateFileCopy(list));
    }

    /// The client gets what it asked for; nothing stands for a refusal.
    pub fn give(&self, clip: Clip, mut bytes: Vec<u8>) {
        if clip == Clip::Files {
            return self.give_list(&bytes);
        }
        if bytes.is_empty() {
            return self.send(ClipboardMessage::SendFormatData(OwnedFormatDataResponse::new_error()));
        }
        if clip == Clip::Text {
            bytes.extend([0, 0]);
        }
        self.send(ClipboardMessage::SendFormatData(OwnedFormatDataResponse::new_data(bytes)));
    }
}

/// Makes the channel's end of a connection.
pub struct Factory {
    pub session: Arc<Session>,
    pub channel: Arc<Channel>,
}

impl CliprdrBackendFactory for Factory {
    fn build_cliprdr_backend(&self) -> Box<dyn CliprdrBackend> {
        Box::new(End { session: self.session.clone(), channel: self.channel.clone() })
    }
}

impl ServerEventSender for Factory {
    fn set_sender(&mut self, sender: UnboundedSender<ServerEvent>) {
        *lock(&self.channel.sender) = Some(sender);
    }
}

impl CliprdrServerFactory for Factory {}

/// A connection's end of the channel.
struct End {
    session: Arc<Session>,
    channel: Arc<Channel>,
}

impl std::fmt::Debug for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("End")
    }
}

impl_as_any!(End);

impl CliprdrBackend for End {
    fn temporary_directory(&self) -> &str {
        // There is none: the sandbox has its own.
        ""
    }

    fn client_capabilities(&self) -> ClipboardGeneralCapabilityFlags {
        ClipboardGeneralCapabilityFlags::USE_LONG_FORMAT_NAMES
            | ClipboardGeneralCapabilityFlags::STREAM_FILECLIP_ENABLED
            | ClipboardGeneralCapabilityFlags::FILECLIP_NO_FILE_PATHS
            | ClipboardGeneralCapabilityFlags::HUGE_FILE_SUPPORT_ENABLED
    }

    fn on_ready(&mut self) {
        self.channel.ready.store(true, Ordering::Relaxed);
        self.session.clip_again();
    }

    fn on_request_format_list(&mut self) {}

    fn on_process_negotiated_capabilities(&mut self, able: ClipboardGeneralCapabilityFlags) {
        let mut files = lock(&self.channel.files);
        files.able = able.contains(ClipboardGeneralCapabilityFlags::STREAM_FILECLIP_ENABLED);
        files.huge = able.contains(ClipboardGeneralCapabilityFlags::HUGE_FILE_SUPPORT_ENABLED);
    }

    fn on_remote_copy(&mut self, formats: &[ClipboardFormat]) {
        // What was asked for is of the one before; some clients answer none of that.
        lock(&self.channel.asked).clear();
        let is_list = |format: &&ClipboardFormat| {
            format.name().is_some_and(|name| name.value() == ClipboardFormatName::FILE_LIST.value())
        };
        let mut files = lock(&self.channel.files);
        files.format = formats.iter().find(is_list).map(ClipboardFormat::id).filter(|_| files.able);
        files.theirs.clear();
        let listed = files.format.is_some();
        drop(files);
        let has = |clip: &Clip| match clip {
            Clip::Files => listed,
            _ => formats.iter().any(|format| format.id() == id(*clip)),
        };
        self.session.clip_offer(Clip::ALL.into_iter().filter(has).collect());
    }

    fn on_remote_file_list(&mut self, list: &[FileDescriptor], _: Option<u32>) {
        self.session.looked_at(u64::MAX);
        let Some((tag, clip)) = lock(&self.channel.asked).pop_front() else { return };
        lock(&self.channel.files).theirs = list.iter().map(|file| file.file_size).collect();
        let bytes = match clip {
            Clip::Files => encode_vec(&PackedFileList { files: list.to_vec() }).unwrap_or_default(),
            _ => Vec::new(),
        };
        self.session.clip_answer(tag, &bytes);
    }

    fn on_format_data_request(&mut self, request: FormatDataRequest) {
        match clip(request.format) {
            Some(clip) if self.session.clip_ask(clip) => {}
            _ => self.channel.give(Clip::Text, Vec::new()),
        }
    }

    fn on_format_data_response(&mut self, response: FormatDataResponse<'_>) {
        self.session.looked_at(u64::MAX);
        // What nobody asked for goes nowhere.
        let Some((tag, clip)) = lock(&self.channel.asked).pop_front() else { return };
        let bytes = if response.is_error() { &[] } else { response.data() };
        let bytes = match clip {
            Clip::Text => {
                let end = bytes.chunks_exact(2).position(|unit| unit == [0, 0]).unwrap_or(bytes.len() / 2);
                bytes.get(..end * 2).unwrap_or_default()
            }
            Clip::Image => bytes,
            // Those come taken apart.
            Clip::Files => &[],
        };
        if bytes.len() > MAX_CLIP {
            eprintln!("portcullis-display: what a client has on its clipboard is too long: {} bytes", bytes.len());
        }
        self.session.clip_answer(tag, bytes);
    }

    fn on_file_contents_request(&mut self, request: FileContentsRequest) {
        self.session.looked_at(EVENT);
        let (stream, index) = (request.stream_id, request.index);
        let size = usize::try_from(index).ok().and_then(|index| lock(&self.channel.files).ours.get(index).copied());
        let range = FileRange { index: index as u32, offset: request.position, length: request.requested_size };
        match size {
            Some(size) if request.flags.contains(FileContentsFlags::SIZE) => {
                let answer = FileContentsResponse::new_size_response(stream, size);
                self.channel.send(ClipboardMessage::SendFileContentsResponse(answer));
            }
            Some(_) if range.length == 0 => self.channel.give_file(stream, Some(Vec::new())),
            Some(_) if self.session.file_ask(stream, range) => {}
            _ => self.channel.give_file(stream, None),
        }
    }

    fn on_file_contents_response(&mut self, response: FileContentsResponse<'_>) {
        self.session.looked_at(u64::MAX);
        let data = (!response.is_error()).then(|| response.data().to_vec());
        self.session.file_answer(response.stream_id(), data);
    }

    fn on_lock(&mut self, _: LockDataId) {}

    fn on_unlock(&mut self, _: LockDataId) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::{Hub, Show, Shown, Ways};
    use ironrdp_cliprdr::{CliprdrClient, CliprdrServer};
    use ironrdp_server::ServerEvent;
    use ironrdp_svc::{SvcMessage, SvcProcessor};
    use shim_abi::display::{Input, More, Notice, Size};
    use tokio::sync::mpsc;

    /// A client that copies and pastes as it is told, and says what it hears.
    #[derive(Debug, Default)]
    struct Peer(Arc<Mutex<Vec<String>>>);

    impl_as_any!(Peer);

    impl Peer {
        fn say(&self, what: String) {
            lock(&self.0).push(what);
        }
    }

    impl CliprdrBackend for Peer {
        fn temporary_directory(&self) -> &str {
            "/tmp"
        }
        fn client_capabilities(&self) -> ClipboardGeneralCapabilityFlags {
            ClipboardGeneralCapabilityFlags::USE_LONG_FORMAT_NAMES
                | ClipboardGeneralCapabilityFlags::STREAM_FILECLIP_ENABLED
        }
        fn on_ready(&mut self) {}
        fn on_request_format_list(&mut self) {}
        fn on_process_negotiated_capabilities(&mut self, _: ClipboardGeneralCapabilityFlags) {}
        fn on_remote_copy(&mut self, formats: &[ClipboardFormat]) {
            let names = formats.iter().filter_map(|format| format.name().map(|name| name.value().to_owned()));
            self.say(format!("offered {}", names.collect::<Vec<_>>().join(" ")));
        }
        fn on_format_data_request(&mut self, _: FormatDataRequest) {}
        fn on_format_data_response(&mut self, response: FormatDataResponse<'_>) {
            self.say(format!("data {}", response.is_error()));
        }
        fn on_file_contents_request(&mut self, request: FileContentsRequest) {
            self.say(format!("wanted {} {}+{}", request.index, request.position, request.requested_size));
        }
        fn on_file_contents_response(&mut self, response: FileContentsResponse<'_>) {
            self.say(format!("file {} {} {}", response.stream_id(), response.is_error(), response.data().len()));
        }
        fn on_remote_file_list(&mut self, files: &[FileDescriptor], _: Option<u32>) {
            let names = files.iter().map(|file| format!("{}={:?}", file.name, file.file_size));
            self.say(format!("files {}", names.collect::<Vec<_>>().join(" ")));
        }
        fn on_lock(&mut self, _: LockDataId) {}
        fn on_unlock(&mut self, _: LockDataId) {}
    }

    /// A client, a server and what is between them; the desktop is the test.
    struct Pair {
        hub: Arc<Hub>,
        session: Arc<Session>,
        channel: Arc<Channel>,
        shown: Shown,
        told: mpsc::Receiver<Input>,
        events: mpsc::UnboundedReceiver<ServerEvent>,
        server: CliprdrServer,
        client: CliprdrClient,
        said: Arc<Mutex<Vec<String>>>,
    }

    impl Pair {
        fn new(ways: Ways) -> Pair {
            let (hub, told) = Hub::alone(ways);
            let session = hub.session();
            session.begins();
            hub.heard(Notice::Screen(Size { width: 800, height: 600 })).unwrap();
            let channel = Arc::<Channel>::default();
            let mut factory = Factory { session: session.clone(), channel: channel.clone() };
            let (sender, events) = mpsc::unbounded_channel();
            factory.set_sender(sender);
            let mut server = CliprdrServer::new(factory.build_cliprdr_backend());
            let peer = Peer::default();
            let said = peer.0.clone();
            let mut client = CliprdrClient::new(Box::new(peer));
            let first = server.start().unwrap();
            let mut back = cross(first, &mut client);
            back.extend(client.initiate_copy(&[]).map(Vec::<SvcMessage>::from).unwrap());
            let shown = Shown::default();
            let mut pair = Pair { hub, session, channel, shown, told, events, server, client, said };
            pair.deliver(back);
            pair.go_on();
            pair.heard();
            pair
        }

        fn deliver(&mut self, mut messages: Vec<SvcMessage>) {
            while !messages.is_empty() {
                messages = cross(messages, &mut self.server);
                messages = cross(messages, &mut self.client);
            }
        }

        /// Does what the session and the server's loop do.
        fn go_on(&mut self) {
            let mut rest = 100;
            while rest > 0 {
                rest -= 1;
                let mut idle = true;
                if let Some(show) = self.session.now(&mut self.shown) {
                    idle = false;
                    match show {
                        Show::ClipOffer(clips) => self.channel.offer(&self.session, &clips),
                        Show::ClipWanted(tag, clip) => self.channel.want(&self.session, tag, clip),
                        Show::ClipData(clip, bytes) => self.channel.give(clip, bytes),
                        Show::FileWanted(tag, range) => self.channel.want_file(&self.session, tag, &range),
                        Show::FileData(stream, data) => self.channel.give_file(stream, data),
                        _ => {}
                    }
                }
                while let Ok(ServerEvent::Clipboard(message)) = self.events.try_recv() {
                    idle = false;
                    let messages = match message {
                        ClipboardMessage::SendInitiateCopy(formats) => self.server.initiate_copy(&formats),
                        ClipboardMessage::SendInitiateFileCopy(files) => self.server.initiate_file_copy(files),
                        ClipboardMessage::SendFormatData(data) => self.server.submit_format_data(data),
                        ClipboardMessage::SendInitiatePaste(format) => self.server.initiate_paste(format),
                        ClipboardMessage::SendFileContentsRequest(wanted) => self.server.request_file_contents(wanted),
                        ClipboardMessage::SendFileContentsResponse(data) => self.server.submit_file_contents(data),
                        ClipboardMessage::Error(error) => panic!("{error}"),
                    };
                    // What the crate refuses would end the connection.
                    let back = cross(messages.unwrap().into(), &mut self.client);
                    self.deliver(back);
                }
                if idle {
                    return;
                }
            }
            panic!("it does not come to an end");
        }

        fn heard(&mut self) -> String {
            std::mem::take(&mut *lock(&self.said)).join(", ")
        }

        /// What the desktop is told.
        fn told(&mut self) -> Vec<Input> {
            std::iter::from_fn(|| self.told.try_recv().ok()).collect()
        }
    }

    fn cross(messages: Vec<SvcMessage>, to: &mut dyn SvcProcessor) -> Vec<SvcMessage> {
        let bytes = messages.iter().map(|message| message.encode_unframed_pdu().unwrap());
        bytes.flat_map(|bytes| to.process(&bytes).unwrap()).collect()
    }

    fn list(names: &[(&str, Option<u64>)]) -> Vec<FileDescriptor> {
        let file = |(name, size): &(&str, Option<u64>)| {
            let file = FileDescriptor::new(*name);
            size.map_or(file.clone(), |size| file.with_file_size(size))
        };
        names.iter().map(file).collect()
    }

    fn listed_as(names: &[(&str, Option<u64>)]) -> Vec<u8> {
        encode_vec(&PackedFileList { files: list(names) }).unwrap()
    }

    const BOTH: Ways = Ways { into: true, out: true, sound: false };

    #[test]
    fn a_client_reads_files_of_the_sandbox_part_by_part() {
        let mut pair = Pair::new(BOTH);
        pair.told();
        pair.hub.heard(Notice::ClipOffer(vec![Clip::Files])).unwrap();
        pair.go_on();
        let Some(Input::ClipWanted((tag, Clip::Files))) = pair.told().pop() else {
            panic!("what they are is asked for")
        };
        assert_eq!(pair.heard(), "");
        let long = 600_000;
        let bytes = listed_as(&[("a.txt", Some(5)), ("long", Some(long))]);
        pair.hub.heard(Notice::ClipData((tag, (More::Last, bytes)))).unwrap();
        pair.go_on();
        assert_eq!(pair.heard(), "offered FileGroupDescriptorW Preferred DropEffect");
        let back = pair.client.initiate_paste(ClipboardFormatId::new(0xc0fe)).unwrap().into();
        pair.deliver(back);
        assert_eq!(pair.heard(), "files a.txt=Some(5) long=Some(600000)");
        // One request of the client's is several of the desktop; what is asked for beyond the end is not there.
        let ask = |stream_id: u32, index: i32, flags, position: u64, requested_size: u32| FileContentsRequest {
            stream_id,
            index,
            flags,
            position,
            requested_size,
            data_id: None,
        };
        for (request, answer) in [
            (ask(1, 1, FileContentsFlags::SIZE, 0, 8), "file 1 false 8"),
            (ask(2, 1, FileContentsFlags::RANGE, 0, long as u32), "file 2 false 600000"),
            (ask(3, 1, FileContentsFlags::RANGE, 599_990, 10), "file 3 false 10"),
        ] {
            let back = pair.client.request_file_contents(request).unwrap().into();
            pair.deliver(back);
            pair.go_on();
            for _ in 0..10 {
                for input in pair.told() {
                    let Input::FileWanted((tag, range)) = input else { continue };
                    let left = long.saturating_sub(range.offset).min(range.length.into());
                    pair.hub.heard(Notice::FileData((tag, Some(vec![7; left as usize])))).unwrap();
                }
                pair.go_on();
            }
            assert_eq!(pair.heard(), answer);
        }
        // The sandbox takes something else: the files are gone.
        pair.hub.heard(Notice::ClipOffer(vec![Clip::Text])).unwrap();
        pair.go_on();
        assert_eq!(pair.heard(), "offered ");
        let request = ask(4, 0, FileContentsFlags::RANGE, 0, 5);
        let back = pair.client.request_file_contents(request).unwrap().into();
        pair.deliver(back);
        pair.go_on();
        assert_eq!(pair.heard(), "file 4 true 0");
    }

    #[test]
    fn names_that_a_client_would_not_take_are_not_told() {
        let long = "x".repeat(260);
        for name in ["C:\\x", "\\x", "/x", long.as_str()] {
            let mut bytes = listed_as(&[("good", None), ("x", None)]);
            let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
            bytes[4 + 72..][..name.len().min(520)].copy_from_slice(&name[..name.len().min(520)]);
            assert!(listed(&bytes).is_none(), "{name:?}");
        }
        assert!(listed(&listed_as(&[])).is_none() && listed(b"xyz").is_none());
    }

    #[test]
    fn a_program_gets_files_of_the_clients_and_asks_for_no_others() {
        let mut pair = Pair::new(BOTH);
        let back = pair.client.initiate_file_copy(list(&[("a", Some(5)), ("b", None)])).unwrap().into();
        pair.deliver(back);
        assert!(pair.told().contains(&Input::ClipOffer(vec![Clip::Files])));
        pair.hub.heard(Notice::ClipWanted((3, Clip::Files))).unwrap();
        pair.go_on();
        let Some(Input::ClipData((3, (More::Last, bytes)))) = pair.told().pop() else {
            panic!("it is told what they are")
        };
        assert_eq!(decode::<PackedFileList>(&bytes).unwrap().files.len(), 2);
        pair.heard();
        let range = |index, offset, length| FileRange { index, offset, length };
        pair.hub.heard(Notice::FileWanted((9, range(0, 1, 4)))).unwrap();
        pair.go_on();
        assert_eq!(pair.heard(), "wanted 0 1+4");
        let back =
            pair.client.submit_file_contents(FileContentsResponse::new_data_response(9, vec![1, 2, 3, 4])).unwrap();
        pair.deliver(back.into());
        assert_eq!(pair.told(), [Input::FileData((9, Some(vec![1, 2, 3, 4])))]);
        // A sandbox that asks for what there is not hears so, and the connection stays.
        for wrong in [
            range(2, 0, 1),
            range(u32::MAX, 0, 1),
            range(0, 4, 2),
            range(0, 0, 0),
            range(0, u64::MAX, 9),
            range(1, 1 << 31, 1),
        ] {
            pair.hub.heard(Notice::FileWanted((8, wrong))).unwrap();
            pair.go_on();
            assert_eq!((pair.heard(), pair.told()), (String::new(), vec![Input::FileData((8, None))]));
        }
        // So does one that asks for more at a time than there may be.
        pair.hub.heard(Notice::FileWanted((7, range(1, 0, u32::MAX)))).unwrap();
        assert_eq!(pair.told(), [Input::FileData((7, None))]);
    }

    #[test]
    fn a_client_that_connects_keeps_what_it_has() {
        let mut pair = Pair::new(BOTH);
        pair.hub.heard(Notice::ClipOffer(Vec::new())).unwrap();
        pair.go_on();
        assert_eq!(pair.heard(), "");
        pair.hub.heard(Notice::ClipOffer(vec![Clip::Text])).unwrap();
        pair.go_on();
        assert_eq!(pair.heard(), "offered ");
    }

    /// Marsaglia's xorshift64.
    fn chance(state: &mut u64) -> usize {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state as usize
    }

    #[test]
    fn damaged_messages_of_a_client_and_of_a_desktop_break_nothing() {
        let mut seeds: Vec<Vec<u8>> = Vec::new();
        {
            let mut pair = Pair::new(BOTH);
            let mut add = |messages: Vec<SvcMessage>| {
                seeds.extend(messages.iter().map(|message| message.encode_unframed_pdu().unwrap()));
            };
            let files = list(&[("a", Some(5)), ("b\\c", None)]);
            add(pair.client.initiate_file_copy(files.clone()).unwrap().into());
            add(pair.client.initiate_copy(&[ClipboardFormat::new(ClipboardFormatId::CF_DIB)]).unwrap().into());
            add(pair.client.initiate_paste(ClipboardFormatId::CF_UNICODETEXT).unwrap().into());
            let list = OwnedFormatDataResponse::new_file_list(&PackedFileList { files }).unwrap();
            add(pair.client.submit_format_data(list).unwrap().into());
            add(pair
                .client
                .submit_file_contents(FileContentsResponse::new_data_response(9, vec![1; 40]))
                .unwrap()
                .into());
            let wanted = FileContentsRequest {
                stream_id: 3,
                index: 0,
                flags: FileContentsFlags::RANGE,
                position: 5,
                requested_size: 100,
                data_id: Some(2),
            };
            add(pair.client.request_file_contents(wanted).unwrap().into());
        }
        let notices = [
            Notice::ClipOffer(Clip::ALL.to_vec()),
            Notice::ClipWanted((3, Clip::Files)),
            Notice::ClipData((1, (More::Last, listed_as(&[("a.txt", Some(5))])))),
            Notice::FileWanted((9, FileRange { index: 0, offset: 0, length: 5 })),
            Notice::FileData((2, Some(vec![1; 40]))),
        ];
        let told: Vec<Vec<u8>> = notices.iter().map(|notice| shim_abi::display::frame(notice).unwrap()).collect();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64;
        let mut state = now | 1;
        eprintln!("the first number is {state}");
        for _ in 0..2000 {
            let mut pair = Pair::new(BOTH);
            for _ in 0..20 {
                let from = if chance(&mut state) & 1 == 0 { &seeds } else { &told };
                let mut bytes = from[chance(&mut state) % from.len()].clone();
                for _ in 0..chance(&mut state) % 4 {
                    let at = chance(&mut state) % bytes.len();
                    match chance(&mut state) % 3 {
                        0 => bytes[at] = chance(&mut state) as u8,
                        1 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][chance(&mut state) % 5],
                        _ => bytes.truncate(at + 1),
                    }
                }
                if std::ptr::eq(from, &seeds) {
                    // What is none ends the connection, and nothing else.
                    let Ok(back) = pair.server.process(&bytes) else { break };
                    let back = back.iter().map(|message| message.encode_unframed_pdu().unwrap());
                    back.for_each(|bytes| drop(pair.client.process(&bytes)));
                } else {
                    let mut reader = shim_abi::display::Reader::default();
                    reader.push(&bytes);
                    if let Ok(Some(notice)) = reader.take::<Notice>()
                        && pair.hub.heard(notice).is_err()
                    {
                        break;
                    }
                }
                pair.go_on();
                assert!(pair.told().len() < 64);
            }
        }
    }
}
