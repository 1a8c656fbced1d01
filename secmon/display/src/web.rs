//! The desktop in a browser: a page, and a WebSocket that carries pixels one way and input the other.
//!
//! The page's address is used once: whoever has it then has a second secret, for the socket, which is good for as long as this serves. Names
//! that browsers resolve elsewhere are refused (`Host`), and so are pages of others (`Origin`).

use crate::hub::{self, Hub, Session, Show, Shown};
use anyhow::{Context as _, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use shim_abi::display::{CLIP_PART, Clip, Input, Size};
use shim_abi::wire;
use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Message, handshake};

/// The page.
const PAGE: &str = include_str!("page.html");
/// Most bytes of a request's head.
const HEAD: usize = 8192;
/// How long a browser may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(10);
/// Most bytes of a message of a browser's: all that it may say is short, but for a part of what lies on its clipboard or is dropped.
const MESSAGE: usize = 256;
/// Rows of a message of pixels.
const ROWS: usize = 64;

/// What the links are made of.
pub struct Links {
    /// The page's, until it is used.
    page: Cell<Option<String>>,
    /// The socket's.
    socket: String,
}

/// A secret of 128 bits.
fn secret() -> anyhow::Result<String> {
    let mut bytes = [0; 16];
    getrandom4::fill(&mut bytes).map_err(|error| anyhow::anyhow!("random numbers: {error}"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

impl Links {
    /// With that secret for the page.
    ///
    /// # Errors
    /// Without random numbers.
    pub fn new(page: String) -> anyhow::Result<Self> {
        Ok(Links { page: Cell::new(Some(page)), socket: secret()? })
    }

    /// Whether a path is the page's link; it is none from then on.
    fn opens(&self, path: &str) -> bool {
        let page = self.page.take();
        let opens = page.as_deref() == path.strip_prefix('/');
        if !opens {
            self.page.set(page);
        }
        opens
    }
}

/// A request's head: its path, and what it says of a header.
struct Head(String);

impl Head {
    async fn read(stream: &mut TcpStream) -> anyhow::Result<Head> {
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\r\n\r\n") {
            if bytes.len() >= HEAD {
                bail!("a request that does not end");
            }
            // A byte at a time, so that nothing is taken of what follows; it is 500 of them.
            bytes.push(stream.read_u8().await?);
        }
        Ok(Head(String::from_utf8(bytes).context("a request that is no text")?))
    }

    fn path(&self) -> Option<&str> {
        let mut words = self.0.lines().next()?.split(' ');
        (words.next()? == "GET").then(|| words.next()).flatten()
    }

    fn header(&self, name: &str) -> Option<&str> {
        let of = |line: &'_ str| line.split_once(':').filter(|(known, _)| known.eq_ignore_ascii_case(name)).is_some();
        let line = self.0.lines().skip(1).find(|line| of(line))?;
        Some(line.split_once(':')?.1.trim())
    }
}

async fn answer(stream: &mut TcpStream, status: &str, headers: &str, body: &str) -> anyhow::Result<()> {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
         Referrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\n{headers}Connection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    Ok(stream.shutdown().await?)
}

/// Serves a browser's connection.
///
/// # Errors
/// Why it ended.
pub async fn serve(hub: Arc<Hub>, links: &Links, mut stream: TcpStream) -> anyhow::Result<()> {
    let own = stream.local_addr()?;
    let head = tokio::time::timeout(PATIENCE, Head::read(&mut stream)).await.context("it says nothing")??;
    let (host, local) = (own.to_string(), format!("localhost:{}", own.port()));
    let named = head.header("host").filter(|name| *name == host || *name == local);
    let (Some(name), Some(path)) = (named, head.path()) else {
        return answer(&mut stream, "400 Bad Request", "", "this is not what is asked for here\n").await;
    };
    if links.opens(path) {
        let nonce = secret()?;
        let ways = hub.ways();
        let page = PAGE.replace("NONCE", &nonce).replace("SOCKET", &links.socket);
        let page = page.replace("CLIP_IN", &ways.into.to_string()).replace("CLIP_OUT", &ways.out.to_string());
        let page = page.replace("SOUND_OUT", &ways.sound.to_string());
        let policy = format!(
            "Content-Security-Policy: default-src 'none'; script-src 'nonce-{nonce}'; style-src 'unsafe-inline'; img-src data:; \
             connect-src ws://{name}; frame-ancestors 'none'\r\n"
        );
        return answer(&mut stream, "200 OK", &policy, &page).await;
    }
    let key = head.header("sec-websocket-key");
    let ours = head.header("origin") == Some(&format!("http://{name}"));
    match key.filter(|_| ours && path.strip_prefix('/') == Some(&links.socket)) {
        Some(key) => {
            let accept = handshake::derive_accept_key(key.as_bytes());
            let head = format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).await?;
            let session = hub.session();
            let _end = hub::AtEnd(session.clone());
            talk(session, stream).await
        }
        None => {
            answer(
                &mut stream,
                "404 Not Found",
                "",
                "The link was used already, or is none: `secmon view` makes another.\n",
            )
            .await
        }
    }
}

/// What lets go of what a browser holds down by a message.
fn release(input: &Input) -> Option<Input> {
    match input {
        Input::Key(key) if !key.up => Some(Input::Key(shim_abi::display::Key { up: true, ..key.clone() })),
        Input::Button((button, false)) => Some(Input::Button((*button, true))),
        _ => None,
    }
}

async fn talk(session: Arc<Session>, stream: TcpStream) -> anyhow::Result<()> {
    let most = if session.ways().into { MESSAGE + CLIP_PART } else { MESSAGE };
    let config = WebSocketConfig::default().max_message_size(Some(most)).max_frame_size(Some(most));
    let socket = WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await;
    let (mut to, mut from) = socket.split();
    session.begins();
    let reading = async {
        while let Some(message) = from.next().await {
            match message? {
                Message::Binary(bytes) => {
                    match wire::decode::<Input>(&bytes).ok().context("it says what is no message")? {
                        Input::Resize(size) => session.resize(size),
                        Input::ClipOffer(clips) => session.clip_offer(clips),
                        Input::ClipData((tag, (more, part))) => session.clip_part(tag, more, part),
                        Input::ClipWanted((_, clip)) => {
                            let _ = session.clip_ask(clip);
                        }
                        Input::Drop((place, described)) => session.drop_files(place, described),
                        Input::FileData((tag, data)) => {
                            session.looked_at(u64::MAX);
                            session.file_answer(tag, data);
                        }
                        Input::SoundWatch(wanted) => {
                            session.looked_at(hub::EVENT);
                            session.listen(wanted);
                        }
                        Input::Shown(_)
                        | Input::Watch(_)
                        | Input::Windows(_)
                        | Input::AwaitIdle(_)
                        | Input::ClipWatch(_)
                        | Input::FileWanted(_)
                        | Input::PointerWanted(_) => bail!("that is not its to say"),
                        input => {
                            let release = release(&input);
                            session.input(input, release);
                        }
                    }
                }
                Message::Close(_) => break,
                _ => {}
            }
        }
        anyhow::Ok(())
    };
    let writing = async {
        let mut shown = Shown::default();
        loop {
            for message in messages(session.next(&mut shown).await) {
                to.send(message).await?;
            }
            if session.is_taken() {
                return to.close().await.map_err(Into::into);
            }
        }
    };
    tokio::select! {
        ended = reading => ended,
        ended = writing => ended,
    }
}

/// A message to the page: what it is, four numbers, pixels (red, green, blue, alpha).
fn message(kind: u8, numbers: [u32; 4], pixels: impl Iterator<Item = [u8; 4]>) -> Message {
    let mut bytes = head(kind, numbers);
    bytes.extend(pixels.flatten());
    Message::Binary(bytes.into())
}

fn head(kind: u8, numbers: [u32; 4]) -> Vec<u8> {
    let mut bytes = vec![kind, 0];
    numbers.into_iter().for_each(|number| bytes.extend((number as u16).to_le_bytes()));
    // So that what follows begins at a multiple of four.
    bytes.extend([0, 0]);
    bytes
}

fn messages(show: Show) -> Vec<Message> {
    let none = std::iter::empty;
    match show {
        Show::Size(Size { width, height }) => vec![message(1, [width, height, 0, 0], none())],
        Show::Cursor(cursor) => {
            let pixels = cursor.pixels.chunks_exact(4).map(|pixel| [pixel[2], pixel[1], pixel[0], pixel[3]]);
            vec![message(3, [cursor.hot.0, cursor.hot.1, cursor.size.0, cursor.size.1], pixels)]
        }
        Show::Pixels(area, pixels) => {
            let (width, left, top) = ((area.right - area.left) as u32, area.left as u32, area.top as u32);
            let parts = pixels.chunks(width as usize * 4 * ROWS).enumerate();
            let part = |(index, part): (usize, &[u8])| {
                let (row, rows) = (top + (index * ROWS) as u32, part.len() as u32 / 4 / width);
                let pixels = part.chunks_exact(4).map(|pixel| [pixel[2], pixel[1], pixel[0], 255]);
                message(2, [left, row, width, rows], pixels)
            };
            parts.map(part).collect()
        }
        // Of the sandbox's files it gets none.
        Show::ClipOffer(clips) => {
            let has = |clip| clips.contains(&clip).into();
            vec![message(4, [has(Clip::Text), has(Clip::Image), 0, 0], none())]
        }
        Show::ClipWanted(tag, clip) => vec![message(5, [tag, tag >> 16, clip as u32, 0], none())],
        Show::ClipData(clip, bytes) => {
            let mut message = head(6, [clip as u32, 0, 0, 0]);
            message.extend(bytes);
            vec![Message::Binary(message.into())]
        }
        Show::Sound(bytes) => {
            let mut message = head(7, [0; 4]);
            message.extend(bytes);
            vec![Message::Binary(message.into())]
        }
        // Of those that were dropped on it.
        Show::FileWanted(tag, range) => {
            let mut message = head(8, [0; 4]);
            message.extend([tag, range.index, range.length].into_iter().flat_map(u32::to_le_bytes));
            message.extend(range.offset.to_le_bytes());
            vec![Message::Binary(message.into())]
        }
        // A page cannot put the pointer anywhere, and gets no files.
        Show::Pointer(..) | Show::FileData(..) | Show::Over => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_opens_once() {
        let links = Links::new("abc".into()).unwrap();
        assert!(!links.opens("/") && !links.opens("/abd"));
        assert!(links.opens("/abc"));
        assert!(!links.opens("/abc") && !links.opens("/"));
    }

    #[test]
    fn heads_say_what_they_say() {
        let head = Head("GET /x HTTP/1.1\r\nHost: 127.0.0.1:80\r\nORIGIN:  http://a \r\n\r\n".into());
        assert_eq!(
            (head.path(), head.header("host"), head.header("Origin")),
            (Some("/x"), Some("127.0.0.1:80"), Some("http://a"))
        );
        assert_eq!(Head("POST /x HTTP/1.1\r\n\r\n".into()).path(), None);
        assert_eq!(Head("\r\n\r\n".into()).path(), None);
    }

    #[test]
    fn pixels_go_in_parts_that_fit_together() {
        let area = shim_abi::display::Area { left: 3, top: 5, right: 5, bottom: 105 };
        let all = messages(Show::Pixels(area, vec![9; 2 * 100 * 4]));
        let lengths: Vec<usize> = all.iter().map(Message::len).collect();
        assert_eq!(lengths, [12 + 2 * 64 * 4, 12 + 2 * 36 * 4]);
    }
}
