//! The clipboard over RDP (MS-RDPECLIP): text and images, as far as the sandbox's policy lets them through. Each side tells what it has; the data goes over
//! when somebody pastes.

use crate::hub::{Session, lock};
use ironrdp_cliprdr::backend::{ClipboardMessage, CliprdrBackend, CliprdrBackendFactory};
use ironrdp_cliprdr::pdu::{
    ClipboardFormat, ClipboardFormatId, ClipboardGeneralCapabilityFlags, FileContentsRequest, FileContentsResponse,
    FormatDataRequest, FormatDataResponse, LockDataId, OwnedFormatDataResponse,
};
use ironrdp_core::impl_as_any;
use ironrdp_server::{CliprdrServerFactory, ServerEvent, ServerEventSender};
use shim_abi::display::{Clip, MAX_CLIP};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc::UnboundedSender;

/// Most requests for the client's data that may wait for it.
const MOST: usize = 8;

/// A client's channel.
#[derive(Default)]
pub struct Channel {
    sender: Mutex<Option<UnboundedSender<ServerEvent>>>,
    /// Tags of what the client was asked for, in order, and what it was.
    asked: Mutex<VecDeque<(u32, Clip)>>,
    /// Whether the client is ready to hear of what there is.
    ready: AtomicBool,
}

fn id(clip: Clip) -> ClipboardFormatId {
    match clip {
        Clip::Text => ClipboardFormatId::CF_UNICODETEXT,
        Clip::Image => ClipboardFormatId::CF_DIB,
    }
}

fn clip(id: ClipboardFormatId) -> Option<Clip> {
    [Clip::Text, Clip::Image].into_iter().find(|clip| self::id(*clip) == id)
}

impl Channel {
    fn send(&self, message: ClipboardMessage) {
        if let Some(sender) = &*lock(&self.sender) {
            // A connection that has ended hears nothing.
            let _ = sender.send(ServerEvent::Clipboard(message));
        }
    }

    /// The sandbox has that on its clipboard.
    pub fn offer(&self, clips: &[Clip]) {
        if !self.ready.load(Ordering::Relaxed) {
            return;
        }
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
        asked.push_back((tag, clip));
        drop(asked);
        self.send(ClipboardMessage::SendInitiatePaste(id(clip)));
    }

    /// The client gets what it asked for; nothing stands for a refusal.
    pub fn give(&self, clip: Clip, mut bytes: Vec<u8>) {
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
        // There is none: files do not go over.
        ""
    }

    fn client_capabilities(&self) -> ClipboardGeneralCapabilityFlags {
        ClipboardGeneralCapabilityFlags::USE_LONG_FORMAT_NAMES
    }

    fn on_ready(&mut self) {
        self.channel.ready.store(true, Ordering::Relaxed);
        self.session.clip_again();
    }

    fn on_request_format_list(&mut self) {}

    fn on_process_negotiated_capabilities(&mut self, _: ClipboardGeneralCapabilityFlags) {}

    fn on_remote_copy(&mut self, formats: &[ClipboardFormat]) {
        // What was asked for is of the one before; some clients answer none of that.
        lock(&self.channel.asked).clear();
        let has = |clip: &Clip| formats.iter().any(|format| format.id() == id(*clip));
        self.session.clip_offer([Clip::Text, Clip::Image].into_iter().filter(has).collect());
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
        };
        if bytes.len() > MAX_CLIP {
            eprintln!("portcullis-display: what a client has on its clipboard is too long: {} bytes", bytes.len());
        }
        self.session.clip_answer(tag, bytes);
    }

    fn on_file_contents_request(&mut self, _: FileContentsRequest) {}

    fn on_file_contents_response(&mut self, _: FileContentsResponse<'_>) {}

    fn on_lock(&mut self, _: LockDataId) {}

    fn on_unlock(&mut self, _: LockDataId) {}
}
