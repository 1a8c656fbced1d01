//! The calls of winepulse.drv: codes and structures are Wine 10's (`dlls/mmdevapi/unixlib.h`). Each leaves its HRESULT in its structure.

use super::format::Wave;
use super::stream::{Shape, Stream};
use super::{PERIOD, hr};
use crate::call::Cx;
use crate::ke::event::EVENT_MODIFY_STATE;
use crate::ke::wait::Deadline;
use crate::mm::allocate::Request;
use crate::ob::handle::Handle;
use crate::ob::types::{SYNCHRONIZE, Type};
use crate::status::*;
use crate::types::wide;
use crate::um::{Plain, UserPtr};
use std::sync::Arc;
use zerocopy::IntoBytes;

/// `enum unix_funcs`.
mod code {
    pub const PROCESS_ATTACH: u32 = 0;
    pub const PROCESS_DETACH: u32 = 1;
    pub const MAIN_LOOP: u32 = 2;
    pub const GET_ENDPOINT_IDS: u32 = 3;
    pub const CREATE_STREAM: u32 = 4;
    pub const RELEASE_STREAM: u32 = 5;
    pub const START: u32 = 6;
    pub const STOP: u32 = 7;
    pub const RESET: u32 = 8;
    pub const TIMER_LOOP: u32 = 9;
    pub const GET_RENDER_BUFFER: u32 = 10;
    pub const RELEASE_RENDER_BUFFER: u32 = 11;
    pub const GET_CAPTURE_BUFFER: u32 = 12;
    pub const RELEASE_CAPTURE_BUFFER: u32 = 13;
    pub const IS_FORMAT_SUPPORTED: u32 = 14;
    pub const GET_LOOPBACK_CAPTURE_DEVICE: u32 = 15;
    pub const GET_MIX_FORMAT: u32 = 16;
    pub const GET_DEVICE_PERIOD: u32 = 17;
    pub const GET_BUFFER_SIZE: u32 = 18;
    pub const GET_LATENCY: u32 = 19;
    pub const GET_CURRENT_PADDING: u32 = 20;
    pub const GET_NEXT_PACKET_SIZE: u32 = 21;
    pub const GET_FREQUENCY: u32 = 22;
    pub const GET_POSITION: u32 = 23;
    pub const SET_VOLUMES: u32 = 24;
    pub const SET_EVENT_HANDLE: u32 = 25;
    pub const SET_SAMPLE_RATE: u32 = 26;
    pub const TEST_CONNECT: u32 = 27;
    pub const IS_STARTED: u32 = 28;
    pub const GET_PROP_VALUE: u32 = 29;
}

/// EDataFlow: eRender.
const RENDER: u32 = 0;
/// AUDCLNT_SHAREMODE_SHARED, AUDCLNT_SHAREMODE_EXCLUSIVE.
const SHARED: u32 = 0;
/// See [`SHARED`].
const EXCLUSIVE: u32 = 1;
/// AUDCLNT_STREAMFLAGS_EVENTCALLBACK.
const EVENT_CALLBACK: u32 = 0x4_0000;
/// Priority_Preferred.
const PREFERRED: u32 = 3;

/// The endpoint, as Windows calls what plays where somebody looks on over RDP.
const NAME: &str = "Remote Audio";
/// Where it is among the machine's devices.
const PATH: &str = "{1}.ROOT\\MEDIA\\0000";
/// EndpointFormFactor: Speakers.
const SPEAKERS: u32 = 1;
/// SPEAKER_FRONT_LEFT and SPEAKER_FRONT_RIGHT.
const STEREO: u32 = 3;
/// VT_UI4, VT_LPWSTR.
const VT_UI4: u16 = 19;
/// See [`VT_UI4`].
const VT_LPWSTR: u16 = 31;
/// PKEY_AudioEndpoint_*: their common GUID in memory. 0 is the form factor, 3 the loudspeakers.
const ENDPOINT_KEY: [u8; 16] =
    [3, 0xd8, 0xa5, 0x1d, 0x92, 0xd4, 0xdd, 0x4e, 0x8c, 0x23, 0xe0, 0xc0, 0xff, 0xee, 0x7f, 0x0e];
/// {b3f8fa53-0004-438e-9003-51a46e139bfc}: 2 is the device's path.
const DEVICE_KEY: [u8; 16] = [0x53, 0xfa, 0xf8, 0xb3, 4, 0, 0x8e, 0x43, 0x90, 3, 0x51, 0xa4, 0x6e, 0x13, 0x9b, 0xfc];

/// How long what is played takes to whoever hears it, at least, in 100 ns: see `win32k::desktop::sound`.
const LATENCY: i64 = 600_000;
/// Most bytes that a stream has room for.
const MOST: u64 = 64 << 20;
/// Longest and shortest time between two looks at a stream, in 100 ns.
const PERIODS: core::ops::RangeInclusive<i64> = 30_000..=1_000_000;

/// A call's structure in guest memory, by offsets.
#[derive(Clone, Copy)]
struct Arguments<'a, 'b> {
    cx: &'a Cx<'b>,
    at: u64,
}

impl Arguments<'_, '_> {
    fn get<T: Plain>(self, offset: u64) -> Nt<T> {
        UserPtr::new(self.at.wrapping_add(offset)).read(self.cx.k)
    }

    fn set<T: Plain>(self, offset: u64, value: T) -> Nt<()> {
        UserPtr::new(self.at.wrapping_add(offset)).write(self.cx.k, value)
    }

    /// Stores where a pointer of the structure points.
    fn put<T: Plain>(self, offset: u64, value: T) -> Nt<()> {
        UserPtr::new(self.get(offset)?).write(self.cx.k, value)
    }

    /// Leaves an HRESULT.
    fn answer(self, offset: u64, result: i32) -> Nt {
        self.set(offset, result)?;
        Ok(STATUS_SUCCESS)
    }

    /// The stream that the structure begins with; one that is gone is `STATUS_INVALID_HANDLE`.
    fn stream(self) -> Nt<Arc<Stream>> {
        self.cx.k.audio.streams.get(self.get(0)?).ok_or(STATUS_INVALID_HANDLE)
    }

    /// Whether the structure's device is the endpoint: it begins with its name, then says whether it plays.
    fn is_endpoint(self) -> Nt<bool> {
        let name: u64 = self.get(0)?;
        Ok(self.get::<u32>(8)? == RENDER && UserPtr::<u8>::new(name).read(self.cx.k)? == 0)
    }
}

fn result_of(done: Result<(), i32>) -> i32 {
    done.err().unwrap_or(hr::OK)
}

/// A Unix call of winepulse.drv.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`, `STATUS_INVALID_HANDLE`; `STATUS_NOT_IMPLEMENTED` for MIDI.
pub fn call(cx: &Cx<'_>, code: u32, arguments: u64) -> Nt {
    let a = Arguments { cx, at: arguments };
    match code {
        code::PROCESS_ATTACH | code::PROCESS_DETACH => Ok(STATUS_SUCCESS),
        code::MAIN_LOOP => {
            // Streams have threads of their own; there is nothing else to be done.
            crate::ke::event::nt_set_event(cx, Handle(a.get(0)?), UserPtr::new(0))
        }
        code::TEST_CONNECT => {
            a.set(8, PREFERRED)?;
            Ok(STATUS_SUCCESS)
        }
        code::GET_ENDPOINT_IDS => endpoints(a),
        code::GET_PROP_VALUE => property(a),
        code::GET_MIX_FORMAT => {
            if !a.is_endpoint()? {
                return a.answer(24, hr::FAIL);
            }
            cx.k.write_user(a.get(16)?, &Wave::mix().bytes())?;
            a.answer(24, hr::OK)
        }
        code::GET_DEVICE_PERIOD => {
            let [usual, least] = a.get::<[u64; 2]>(16)?;
            if usual == 0 && least == 0 {
                return a.answer(12, hr::POINTER);
            }
            if !a.is_endpoint()? {
                return a.answer(12, hr::FAIL);
            }
            UserPtr::new(usual).write_opt(cx.k, PERIOD)?;
            UserPtr::new(least).write_opt(cx.k, PERIOD)?;
            a.answer(12, hr::OK)
        }
        code::IS_FORMAT_SUPPORTED => is_format_supported(a),
        code::CREATE_STREAM => create(a),
        code::RELEASE_STREAM => release(a),
        // Nothing records, and what is played cannot be recorded.
        code::GET_LOOPBACK_CAPTURE_DEVICE => a.answer(28, hr::NOT_IMPLEMENTED),
        code::GET_CAPTURE_BUFFER | code::GET_NEXT_PACKET_SIZE => a.answer(8, hr::DEVICE_INVALIDATED),
        code::RELEASE_CAPTURE_BUFFER => a.answer(12, hr::DEVICE_INVALIDATED),
        _ => of_stream(a, code),
    }
}

/// What is about a stream that there is.
fn of_stream(a: Arguments<'_, '_>, which: u32) -> Nt {
    let cx = a.cx;
    if !(code::START..=code::IS_STARTED).contains(&which) {
        return Err(STATUS_NOT_IMPLEMENTED);
    }
    let stream = match a.stream() {
        // It went before the thread that was made for it came here; Wine's mmdevapi ends the program at any error.
        Err(STATUS_INVALID_HANDLE) if which == code::TIMER_LOOP => return Ok(STATUS_SUCCESS),
        stream => stream?,
    };
    match which {
        code::TIMER_LOOP => stream.run(cx),
        code::START => a.answer(8, result_of(stream.start(cx))),
        code::STOP => a.answer(8, if stream.stop() { hr::OK } else { hr::FALSE }),
        code::RESET => a.answer(8, result_of(stream.reset())),
        code::IS_STARTED => a.answer(8, if stream.is_started() { hr::OK } else { hr::FALSE }),
        code::GET_RENDER_BUFFER => match stream.lend(cx, a.get(8)?)? {
            Ok(at) => {
                a.put(16, at)?;
                a.answer(12, hr::OK)
            }
            Err(why) => a.answer(12, why),
        },
        code::RELEASE_RENDER_BUFFER => {
            let [frames, flags] = a.get::<[u32; 2]>(8)?;
            let done = stream.give_back(cx, frames, flags)?;
            a.answer(16, result_of(done))
        }
        code::GET_BUFFER_SIZE => {
            a.put(16, stream.room())?;
            a.answer(8, hr::OK)
        }
        code::GET_LATENCY => {
            a.put(16, LATENCY + (stream.period() / 100) as i64)?;
            a.answer(8, hr::OK)
        }
        code::GET_CURRENT_PADDING => {
            a.put(16, stream.padding())?;
            a.answer(8, hr::OK)
        }
        code::GET_FREQUENCY => {
            a.put(16, stream.frequency())?;
            a.answer(8, hr::OK)
        }
        code::GET_POSITION => {
            let frames = a.get::<u32>(8)? != 0;
            a.put(16, stream.position(frames))?;
            UserPtr::new(a.get(24)?).write_opt(cx.k, cx.k.interrupt_time())?;
            a.answer(12, hr::OK)
        }
        code::SET_VOLUMES => {
            let (master, count) = (a.get::<f32>(8)?, stream.channels().into());
            let [of_stream, of_session] = a.get::<[u64; 2]>(16)?;
            let of_stream = UserPtr::<f32>::new(of_stream).read_vec(cx.k, count)?;
            let of_session = UserPtr::<f32>::new(of_session).read_vec(cx.k, count)?;
            let all = of_stream.iter().zip(&of_session).map(|(stream, session)| stream * session * master);
            let fits = |volume: f32| if volume.is_finite() { volume.clamp(0.0, 1.0) } else { 1.0 };
            stream.set_volumes(all.map(fits).collect());
            Ok(STATUS_SUCCESS)
        }
        code::SET_EVENT_HANDLE => {
            let event = cx.object_of(Handle(a.get(8)?), Type::Event, EVENT_MODIFY_STATE);
            let done = event.map_err(|_| hr::INVALID_ARGUMENT).and_then(|event| stream.set_event(event));
            a.answer(16, result_of(done))
        }
        code::SET_SAMPLE_RATE => {
            let rate = a.get::<f32>(8)?;
            if !(1000.0..=384_000.0).contains(&rate) {
                return a.answer(12, hr::INVALID_ARGUMENT);
            }
            stream.set_rate(cx, rate as u32);
            a.answer(12, hr::OK)
        }
        _ => Err(STATUS_NOT_IMPLEMENTED),
    }
}

/// `{ flow, endpoints, size, result, number, default }`: offsets of each endpoint's name and of its device's, then those.
fn endpoints(a: Arguments<'_, '_>) -> Nt {
    if a.get::<u32>(0)? != RENDER {
        a.set(24, [0u32, 0])?;
        return a.answer(20, hr::OK);
    }
    let name = wide(NAME);
    let device = 8 + (name.len() as u32 + 1) * 2;
    let mut bytes: Vec<u8> = [8, device].into_iter().flat_map(u32::to_le_bytes).collect();
    bytes.extend_from_slice(name.as_bytes());
    // The name's end, and a device without a name: winepulse.drv knows its GUID.
    bytes.extend([0; 4]);
    a.set(24, [1u32, 0])?;
    if a.get::<u32>(16)? < bytes.len() as u32 {
        a.set(16, bytes.len() as u32)?;
        return a.answer(20, hr::INSUFFICIENT_BUFFER);
    }
    a.cx.k.write_user(a.get(8)?, &bytes)?;
    a.answer(20, hr::OK)
}

/// `{ device, flow, guid, key, result, PROPVARIANT *value, buffer, buffer_size }`.
fn property(a: Arguments<'_, '_>) -> Nt {
    if !a.is_endpoint()? {
        return a.answer(32, hr::FAIL);
    }
    let (guid, number) = {
        let key: [u8; 20] = UserPtr::new(a.get(24)?).read(a.cx.k)?;
        let mut guid = [0; 16];
        guid.copy_from_slice(&key[..16]);
        (guid, u32::from_le_bytes([key[16], key[17], key[18], key[19]]))
    };
    let value: u64 = a.get(40)?;
    let variant = |kind: u16, what: u64| -> Nt<()> {
        UserPtr::new(value).write(a.cx.k, kind)?;
        UserPtr::new(value.wrapping_add(8)).write(a.cx.k, what)
    };
    match (guid, number) {
        (DEVICE_KEY, 2) => {
            let path: Vec<u8> = wide(PATH).as_bytes().iter().copied().chain([0, 0]).collect();
            let size = UserPtr::<u32>::new(a.get(56)?);
            if size.read(a.cx.k)? < path.len() as u32 {
                size.write(a.cx.k, path.len() as u32)?;
                return a.answer(32, hr::INSUFFICIENT_BUFFER);
            }
            let buffer = a.get(48)?;
            a.cx.k.write_user(buffer, &path)?;
            variant(VT_LPWSTR, buffer)?;
        }
        (ENDPOINT_KEY, 0) => variant(VT_UI4, SPEAKERS.into())?,
        (ENDPOINT_KEY, 3) => variant(VT_UI4, STEREO.into())?,
        _ => return a.answer(32, hr::NOT_IMPLEMENTED),
    }
    a.answer(32, hr::OK)
}

/// `{ device, flow, share, format, nearest, result }`.
fn is_format_supported(a: Arguments<'_, '_>) -> Nt {
    let share: u32 = a.get(12)?;
    let [format, nearest] = a.get::<[u64; 2]>(16)?;
    if format == 0 || share == SHARED && nearest == 0 {
        return a.answer(32, hr::POINTER);
    }
    if share > EXCLUSIVE {
        return a.answer(32, hr::INVALID_ARGUMENT);
    }
    let wave = Wave::read(a.cx.k, format)?;
    let result = match (wave.check(), share) {
        (Err(why), _) => why,
        (Ok(None), EXCLUSIVE) => hr::EXCLUSIVE_MODE_NOT_ALLOWED,
        (Ok(Some(_)), EXCLUSIVE) => hr::UNSUPPORTED_FORMAT,
        (Ok(None), _) => hr::OK,
        (Ok(Some(other)), _) => {
            a.cx.k.write_user(nearest, &other.bytes())?;
            hr::FALSE
        }
    };
    a.answer(32, result)
}

/// `{ name, device, flow, share, flags, duration, period, format, result, channel_count, stream }`.
fn create(a: Arguments<'_, '_>) -> Nt {
    const RESULT: u64 = 56;
    let cx = a.cx;
    let [flow, share, flags] = a.get::<[u32; 3]>(16)?;
    let [duration, period] = a.get::<[i64; 2]>(32)?;
    if flow != RENDER {
        return a.answer(RESULT, hr::DEVICE_INVALIDATED);
    }
    if share != SHARED {
        return a.answer(RESULT, hr::EXCLUSIVE_MODE_NOT_ALLOWED);
    }
    let format = match Wave::read(cx.k, a.get(48)?)?.format() {
        Ok(format) => format,
        Err(why) => return a.answer(RESULT, why),
    };
    let frames = (u128::from(duration.max(0) as u64) * u128::from(format.rate)).div_ceil(10_000_000);
    let bytes = frames.saturating_mul(format.frame() as u128);
    if frames == 0 || bytes > MOST.into() {
        return a.answer(RESULT, hr::OUT_OF_MEMORY);
    }
    let channels = format.channels;
    let Ok(buffer) = cx.k.mm.allocate(cx.k, &Request::commit(bytes as u64)) else {
        return a.answer(RESULT, hr::OUT_OF_MEMORY);
    };
    let period = period.clamp(*PERIODS.start(), *PERIODS.end()) as u64 * 100;
    let events = flags & EVENT_CALLBACK != 0;
    let shape = Shape { format, room: frames as u32, period, events, buffer: buffer.start };
    let number = cx.k.audio.streams.insert(Stream::new(shape));
    a.put(64, u32::from(channels))?;
    a.put(72, number)?;
    a.answer(RESULT, hr::OK)
}

/// `{ stream, timer's thread, result }`.
fn release(a: Arguments<'_, '_>) -> Nt {
    let cx = a.cx;
    let Some(stream) = cx.k.audio.streams.remove(a.get(0)?) else { return Err(STATUS_INVALID_HANDLE) };
    stream.end(cx);
    let thread = Handle(a.get(8)?);
    if thread.0 != 0 {
        // It ends at once; a process that ends has ended it already.
        if let Ok(object) = cx.object(thread, SYNCHRONIZE) {
            cx.wait_for(vec![object], false, false, Deadline::Never)?;
        }
        let _ = cx.k.close_handle(thread);
    }
    // What the program writes there from now on is its own mistake.
    let _ = cx.k.mm.release(cx.k, stream.buffer);
    a.answer(16, hr::OK)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::Fake;

    #[test]
    fn a_stream_that_goes_before_its_timer_comes_is_no_error() {
        let fake = Fake::leak();
        let k: &'static crate::kernel::Kernel = Box::leak(Box::new(crate::kernel::Kernel::new(fake, Fake::boot())));
        let thread = fake.thread(k, move |cx| {
            let arguments = fake.alloc([7u64, 0, 0]);
            assert_eq!(call(cx, code::TIMER_LOOP, arguments.address()), Ok(STATUS_SUCCESS));
            assert_eq!(call(cx, code::START, arguments.address()), Err(STATUS_INVALID_HANDLE));
        });
        if let Err(panic) = thread.join() {
            std::panic::resume_unwind(panic);
        }
    }
}
