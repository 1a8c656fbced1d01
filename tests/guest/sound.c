/* What plays: winmm, WASAPI, DirectSound and XAudio2, each to its end. With an argument it plays and checks nothing: `sound tone SECONDS` has 440 Hz on
   the left and 1000 Hz on the right, by waveOut with 44,100 frames a second; `sound mixed SECONDS` the same in two streams, as WASAPI mixes them. */
#define COBJMACROS
#define INITGUID
#include "check.h"
#include <math.h>
#include <mmsystem.h>
#include <mmreg.h>
#include <ks.h>
#include <ksmedia.h>
#include <mmdeviceapi.h>
#include <audioclient.h>
#include <audiopolicy.h>
#include <functiondiscoverykeys_devpkey.h>
#include <dsound.h>
#include <xaudio2.h>

static const double TURN = 6.283185307179586;
/* How long anything may take that ends by itself, ms. */
#define PATIENCE 60000

static WAVEFORMATEX plain(WORD tag, WORD channels, DWORD rate, WORD bits) {
    WAVEFORMATEX format = {tag, channels, rate, rate * channels * bits / 8, channels * bits / 8, bits, 0};
    return format;
}

/* So many frames of 16 bits: a tone for each side. */
static int16_t *tones(DWORD rate, DWORD frames, double left, double right) {
    int16_t *samples = malloc(frames * 4);
    for (DWORD at = 0; at < frames; at++) {
        samples[at * 2] = (int16_t)(sin(at * left * TURN / rate) * 12000);
        samples[at * 2 + 1] = (int16_t)(sin(at * right * TURN / rate) * 12000);
    }
    return samples;
}

static volatile LONG opened, done, closed;

static void CALLBACK heard(HWAVEOUT wave, UINT message, DWORD_PTR instance, DWORD_PTR a, DWORD_PTR b) {
    (void)wave, (void)instance, (void)a, (void)b;
    if (message == WOM_OPEN) InterlockedIncrement(&opened);
    if (message == WOM_DONE) InterlockedIncrement(&done);
    if (message == WOM_CLOSE) InterlockedIncrement(&closed);
}

static int becomes(volatile LONG *count, LONG want) {
    for (int waited = 0; waited < PATIENCE && *count != want; waited += 5) Sleep(5);
    return *count == want;
}

static void wave_out(void) {
    WAVEOUTCAPSW caps;
    CHECK_EQ("one device plays", waveOutGetNumDevs(), 1);
    CHECK_EQ("none records", waveInGetNumDevs(), 0);
    CHECK_EQ("no MIDI", midiOutGetNumDevs() + midiInGetNumDevs(), 0);
    CHECK_EQ("caps", waveOutGetDevCapsW(0, &caps, sizeof caps), MMSYSERR_NOERROR);
    CHECK("named", caps.szPname[0] && caps.wChannels == 2 && caps.dwFormats & WAVE_FORMAT_4S16);
    for (int bits = 8; bits <= 16; bits += 8) {
        static const DWORD rates[] = {8000, 11025, 22050, 44100, 48000};
        for (unsigned at = 0; at < 5; at++) {
            WAVEFORMATEX format = plain(WAVE_FORMAT_PCM, 1 + at % 2, rates[at], bits);
            CHECK_EQ("asked for a format", waveOutOpen(NULL, 0, &format, 0, 0, WAVE_FORMAT_QUERY), MMSYSERR_NOERROR);
        }
    }
    WAVEFORMATEX odd = plain(0x1234, 2, 44100, 16);
    CHECK("what nobody knows", waveOutOpen(NULL, 0, &odd, 0, 0, WAVE_FORMAT_QUERY) != MMSYSERR_NOERROR);

    WAVEFORMATEX format = plain(WAVE_FORMAT_PCM, 2, 44100, 16);
    int16_t *samples = tones(44100, 8820, 440, 1000);
    WAVEHDR parts[2] = {{0}};
    HWAVEOUT wave;
    CHECK_EQ("open", waveOutOpen(&wave, WAVE_MAPPER, &format, (DWORD_PTR)heard, 0, CALLBACK_FUNCTION), MMSYSERR_NOERROR);
    CHECK_EQ("told that it is open", opened, 1);
    ULONGLONG start = GetTickCount64();
    for (int at = 0; at < 2; at++) {
        parts[at].lpData = (char *)(samples + at * 8820);
        parts[at].dwBufferLength = 17640;
        CHECK_EQ("prepare", waveOutPrepareHeader(wave, &parts[at], sizeof(WAVEHDR)), MMSYSERR_NOERROR);
        CHECK_EQ("write", waveOutWrite(wave, &parts[at], sizeof(WAVEHDR)), MMSYSERR_NOERROR);
    }
    CHECK("both parts are played", becomes(&done, 2));
    ULONGLONG took = GetTickCount64() - start;
    CHECK("not faster than they are heard", took >= 100);
    CHECK("flags", parts[0].dwFlags & WHDR_DONE && parts[1].dwFlags & WHDR_DONE);
    MMTIME time = {.wType = TIME_BYTES};
    for (int waited = 0; waited < PATIENCE; waited += 5) {
        waveOutGetPosition(wave, &time, sizeof time);
        if (time.u.cb == 35280) break;
        Sleep(5);
    }
    CHECK_EQ("the position is at the end", time.u.cb, 35280);
    /* What waits is given back when it is reset. */
    waveOutPause(wave);
    waveOutWrite(wave, &parts[0], sizeof(WAVEHDR));
    CHECK_EQ("reset", waveOutReset(wave), MMSYSERR_NOERROR);
    CHECK("given back", becomes(&done, 3));
    for (int at = 0; at < 2; at++) waveOutUnprepareHeader(wave, &parts[at], sizeof(WAVEHDR));
    CHECK_EQ("close", waveOutClose(wave), MMSYSERR_NOERROR);
    CHECK("told that it is closed", becomes(&closed, 1));

    struct {
        char riff[4];
        DWORD size;
        char wave[8];
        DWORD length;
        PCMWAVEFORMAT format;
        char data[4];
        DWORD bytes;
        int16_t samples[4410];
    } file = {"RIFF", sizeof file - 8, "WAVEfmt ", 16, {{WAVE_FORMAT_PCM, 1, 44100, 88200, 2}, 16}, "data", 8820, {0}};
    memcpy(file.samples, samples, 8820);
    CHECK("PlaySound", PlaySoundA((char *)&file, NULL, SND_MEMORY | SND_SYNC | SND_NODEFAULT));
    free(samples);
}

static IMMDeviceEnumerator *enumerator;
static IMMDevice *device;

static UINT endpoints(EDataFlow flow) {
    IMMDeviceCollection *all;
    UINT count = 99;
    if (SUCCEEDED(IMMDeviceEnumerator_EnumAudioEndpoints(enumerator, flow, DEVICE_STATE_ACTIVE, &all))) {
        IMMDeviceCollection_GetCount(all, &count);
        IMMDeviceCollection_Release(all);
    }
    return count;
}

static void find(void) {
    IMMDevice *none = NULL;
    IPropertyStore *store;
    PROPVARIANT value;
    DWORD state;
    CHECK_EQ("enumerator",
             CoCreateInstance(&CLSID_MMDeviceEnumerator, NULL, CLSCTX_INPROC_SERVER, &IID_IMMDeviceEnumerator, (void **)&enumerator), S_OK);
    CHECK_EQ("one endpoint plays", endpoints(eRender), 1);
    CHECK_EQ("none records", endpoints(eCapture), 0);
    CHECK_EQ("no microphone", IMMDeviceEnumerator_GetDefaultAudioEndpoint(enumerator, eCapture, eConsole, &none), E_NOTFOUND);
    CHECK_EQ("loudspeakers", IMMDeviceEnumerator_GetDefaultAudioEndpoint(enumerator, eRender, eMultimedia, &device), S_OK);
    CHECK("active", SUCCEEDED(IMMDevice_GetState(device, &state)) && state == DEVICE_STATE_ACTIVE);
    CHECK_EQ("its properties", IMMDevice_OpenPropertyStore(device, STGM_READ, &store), S_OK);
    CHECK_EQ("its name", IPropertyStore_GetValue(store, (const PROPERTYKEY *)&PKEY_Device_FriendlyName, &value), S_OK);
    CHECK("it has one", value.vt == VT_LPWSTR && value.pwszVal[0]);
    IPropertyStore_Release(store);
}

static IAudioClient *client_of(void) {
    IAudioClient *client = NULL;
    IMMDevice_Activate(device, &IID_IAudioClient, CLSCTX_INPROC_SERVER, NULL, (void **)&client);
    return client;
}

static void formats(void) {
    IAudioClient *client = client_of();
    WAVEFORMATEX *mix = NULL, *nearest = NULL;
    REFERENCE_TIME usual = 0, least = 0;
    UINT32 frames;
    CHECK_EQ("mix format", IAudioClient_GetMixFormat(client, &mix), S_OK);
    CHECK("48 kHz, stereo, float", mix->nSamplesPerSec == 48000 && mix->nChannels == 2 && mix->wBitsPerSample == 32 &&
              mix->wFormatTag == WAVE_FORMAT_EXTENSIBLE &&
              IsEqualGUID(&((WAVEFORMATEXTENSIBLE *)mix)->SubFormat, &KSDATAFORMAT_SUBTYPE_IEEE_FLOAT));
    CHECK("periods", SUCCEEDED(IAudioClient_GetDevicePeriod(client, &usual, &least)) && usual >= least && least > 0);
    CHECK_EQ("no pointer", IAudioClient_GetDevicePeriod(client, NULL, NULL), E_POINTER);
    CHECK_EQ("the mix format is played", IAudioClient_IsFormatSupported(client, AUDCLNT_SHAREMODE_SHARED, mix, &nearest), S_OK);
    CHECK_EQ("by nobody alone", IAudioClient_IsFormatSupported(client, AUDCLNT_SHAREMODE_EXCLUSIVE, mix, NULL),
             AUDCLNT_E_EXCLUSIVE_MODE_NOT_ALLOWED);
    CHECK_EQ("not even so", IAudioClient_Initialize(client, AUDCLNT_SHAREMODE_EXCLUSIVE, 0, 1000000, 0, mix, NULL),
             AUDCLNT_E_EXCLUSIVE_MODE_NOT_ALLOWED);
    WAVEFORMATEX odd = plain(WAVE_FORMAT_PCM, 2, 44100, 24);
    CHECK_EQ("24 bits", IAudioClient_IsFormatSupported(client, AUDCLNT_SHAREMODE_SHARED, &odd, &nearest), S_OK);
    odd = plain(WAVE_FORMAT_PCM, 2, 44100, 20);
    CHECK_EQ("20 bits", IAudioClient_IsFormatSupported(client, AUDCLNT_SHAREMODE_SHARED, &odd, &nearest), E_INVALIDARG);
    odd = plain(0x55, 2, 44100, 16);
    CHECK_EQ("MP3", IAudioClient_IsFormatSupported(client, AUDCLNT_SHAREMODE_SHARED, &odd, &nearest), AUDCLNT_E_UNSUPPORTED_FORMAT);
    WAVEFORMATEXTENSIBLE narrow = *(WAVEFORMATEXTENSIBLE *)mix;
    narrow.SubFormat = KSDATAFORMAT_SUBTYPE_PCM;
    narrow.Samples.wValidBitsPerSample = 20;
    CHECK_EQ("20 valid bits of 32", IAudioClient_IsFormatSupported(client, AUDCLNT_SHAREMODE_SHARED, &narrow.Format, &nearest), S_FALSE);
    CHECK("the nearest is told", nearest && ((WAVEFORMATEXTENSIBLE *)nearest)->Samples.wValidBitsPerSample == 32);
    CoTaskMemFree(nearest);
    CHECK_EQ("not before it is initialized", IAudioClient_GetBufferSize(client, &frames), AUDCLNT_E_NOT_INITIALIZED);
    CHECK_EQ("nor started", IAudioClient_Start(client), AUDCLNT_E_NOT_INITIALIZED);
    CoTaskMemFree(mix);
    IAudioClient_Release(client);
}

/* Streams that go as soon as they have begun, perhaps before the thread that plays them has come to it. */
static void short_lived(void) {
    int good = 0;
    WAVEFORMATEX *mix;
    for (int i = 0; i < 50; i++) {
        IAudioClient *client = client_of();
        if (!client) break;
        IAudioClient_GetMixFormat(client, &mix);
        if (IAudioClient_Initialize(client, AUDCLNT_SHAREMODE_SHARED, 0, 1000000, 0, mix, NULL) == S_OK &&
            IAudioClient_Start(client) == S_OK)
            good++;
        CoTaskMemFree(mix);
        IAudioClient_Release(client);
    }
    CHECK_EQ("streams that go at once", good, 50);
}

static void shared_mode(void) {
    IAudioClient *client = client_of();
    IAudioRenderClient *render;
    IAudioClock *clock;
    ISimpleAudioVolume *volume;
    WAVEFORMATEX *mix;
    UINT32 room = 0, padding = 99;
    REFERENCE_TIME latency = 0;
    UINT64 frequency, position = 99, before = 0, counter;
    BYTE *data;
    HANDLE event = CreateEventW(NULL, FALSE, FALSE, NULL);
    IAudioClient_GetMixFormat(client, &mix);
    CHECK_EQ("initialize", IAudioClient_Initialize(client, AUDCLNT_SHAREMODE_SHARED, AUDCLNT_STREAMFLAGS_EVENTCALLBACK, 2000000, 0, mix, NULL), S_OK);
    CHECK_EQ("once", IAudioClient_Initialize(client, AUDCLNT_SHAREMODE_SHARED, 0, 2000000, 0, mix, NULL), AUDCLNT_E_ALREADY_INITIALIZED);
    CHECK("room", SUCCEEDED(IAudioClient_GetBufferSize(client, &room)) && room >= 9600);
    CHECK("latency", SUCCEEDED(IAudioClient_GetStreamLatency(client, &latency)) && latency > 0);
    CHECK_EQ("without its event", IAudioClient_Start(client), AUDCLNT_E_EVENTHANDLE_NOT_SET);
    CHECK_EQ("no event", IAudioClient_SetEventHandle(client, NULL), E_INVALIDARG);
    CHECK_EQ("event", IAudioClient_SetEventHandle(client, event), S_OK);
    CHECK_EQ("a second one", IAudioClient_SetEventHandle(client, event), HRESULT_FROM_WIN32(ERROR_INVALID_NAME));
    CHECK_EQ("render client", IAudioClient_GetService(client, &IID_IAudioRenderClient, (void **)&render), S_OK);
    CHECK_EQ("clock", IAudioClient_GetService(client, &IID_IAudioClock, (void **)&clock), S_OK);
    CHECK_EQ("volume", IAudioClient_GetService(client, &IID_ISimpleAudioVolume, (void **)&volume), S_OK);
    CHECK("frequency", SUCCEEDED(IAudioClock_GetFrequency(clock, &frequency)) && frequency == 48000 * 8);
    CHECK("quieter", SUCCEEDED(ISimpleAudioVolume_SetMasterVolume(volume, 0.5f, NULL)));

    CHECK_EQ("too much", IAudioRenderClient_GetBuffer(render, room + 1, &data), AUDCLNT_E_BUFFER_TOO_LARGE);
    CHECK_EQ("nothing to give back", IAudioRenderClient_ReleaseBuffer(render, 10, 0), AUDCLNT_E_OUT_OF_ORDER);
    CHECK_EQ("buffer", IAudioRenderClient_GetBuffer(render, 9600, &data), S_OK);
    for (int at = 0; at < 9600; at++) ((float *)data)[at * 2] = ((float *)data)[at * 2 + 1] = (float)sin(at * 440 * TURN / 48000) / 4;
    CHECK_EQ("a second one", IAudioRenderClient_GetBuffer(render, 1, &data), AUDCLNT_E_OUT_OF_ORDER);
    CHECK_EQ("not now", IAudioClient_Reset(client), AUDCLNT_E_BUFFER_OPERATION_PENDING);
    CHECK_EQ("more than there was", IAudioRenderClient_ReleaseBuffer(render, 9601, 0), AUDCLNT_E_INVALID_SIZE);
    CHECK_EQ("give back", IAudioRenderClient_ReleaseBuffer(render, 9600, 0), S_OK);
    CHECK("padding", SUCCEEDED(IAudioClient_GetCurrentPadding(client, &padding)) && padding == 9600);
    CHECK("nothing is played before it is started", SUCCEEDED(IAudioClock_GetPosition(clock, &position, &counter)) && position == 0);

    CHECK_EQ("start", IAudioClient_Start(client), S_OK);
    CHECK_EQ("not twice", IAudioClient_Start(client), AUDCLNT_E_NOT_STOPPED);
    CHECK_EQ("nor reset", IAudioClient_Reset(client), AUDCLNT_E_NOT_STOPPED);
    int events = 0, forward = 1;
    for (; padding && events < 10000; events++) {
        if (WaitForSingleObject(event, PATIENCE) != WAIT_OBJECT_0) break;
        IAudioClient_GetCurrentPadding(client, &padding);
        IAudioClock_GetPosition(clock, &position, &counter);
        forward &= position >= before;
        before = position;
    }
    CHECK("events come", events >= 2);
    CHECK_EQ("until all is played", padding, 0);
    CHECK("never backwards", forward);
    CHECK_EQ("the position is at the end", position, 9600 * 8);
    IAudioRenderClient_GetBuffer(render, 480, &data);
    IAudioRenderClient_ReleaseBuffer(render, 480, AUDCLNT_BUFFERFLAGS_SILENT);
    for (; position != 10080 * 8 && WaitForSingleObject(event, PATIENCE) == WAIT_OBJECT_0;) IAudioClock_GetPosition(clock, &position, &counter);
    CHECK_EQ("and goes on", position, 10080 * 8);
    CHECK_EQ("stop", IAudioClient_Stop(client), S_OK);
    CHECK_EQ("it stands still", IAudioClient_Stop(client), S_FALSE);
    IAudioRenderClient_GetBuffer(render, 480, &data);
    IAudioRenderClient_ReleaseBuffer(render, 480, 0);
    CHECK("events come still", WaitForSingleObject(event, PATIENCE) == WAIT_OBJECT_0);
    CHECK("though nothing is played", SUCCEEDED(IAudioClient_GetCurrentPadding(client, &padding)) && padding == 480);
    CHECK_EQ("reset", IAudioClient_Reset(client), S_OK);
    IAudioClient_GetCurrentPadding(client, &padding);
    IAudioClock_GetPosition(clock, &position, &counter);
    CHECK("all is as it was", padding == 0 && position == 0);
    /* An event that was closed is its program's own mistake; it is released while it plays. */
    IAudioClient_Start(client);
    CloseHandle(event);
    ISimpleAudioVolume_Release(volume);
    IAudioClock_Release(clock);
    IAudioRenderClient_Release(render);
    CHECK_EQ("released", IAudioClient_Release(client), 0);
    CoTaskMemFree(mix);
}

static void direct_sound(void) {
    IDirectSound8 *sound;
    IDirectSoundBuffer *buffer = NULL;
    WAVEFORMATEX format = plain(WAVE_FORMAT_PCM, 2, 22050, 16);
    DSBUFFERDESC wanted = {.dwSize = sizeof wanted, .dwFlags = DSBCAPS_GLOBALFOCUS | DSBCAPS_CTRLVOLUME, .dwBufferBytes = 8820, .lpwfxFormat = &format};
    void *data;
    DWORD bytes, status = DSBSTATUS_PLAYING;
    if (CHECK_EQ("DirectSound", DirectSoundCreate8(NULL, &sound, NULL), DS_OK)) {
        CHECK_EQ("level", IDirectSound8_SetCooperativeLevel(sound, GetDesktopWindow(), DSSCL_PRIORITY), DS_OK);
        CHECK_EQ("buffer", IDirectSound8_CreateSoundBuffer(sound, &wanted, &buffer, NULL), DS_OK);
        CHECK_EQ("lock", IDirectSoundBuffer_Lock(buffer, 0, 0, &data, &bytes, NULL, NULL, DSBLOCK_ENTIREBUFFER), DS_OK);
        int16_t *samples = tones(22050, 2205, 440, 1000);
        memcpy(data, samples, bytes < 8820 ? bytes : 8820);
        free(samples);
        CHECK_EQ("unlock", IDirectSoundBuffer_Unlock(buffer, data, bytes, NULL, 0), DS_OK);
        CHECK_EQ("play", IDirectSoundBuffer_Play(buffer, 0, 0, 0), DS_OK);
        for (int waited = 0; waited < PATIENCE && status & DSBSTATUS_PLAYING; waited += 5) {
            Sleep(5);
            IDirectSoundBuffer_GetStatus(buffer, &status);
        }
        CHECK("it ends", !(status & DSBSTATUS_PLAYING));
        IDirectSoundBuffer_Release(buffer);
        IDirectSound8_Release(sound);
    }
}

static void xaudio(void) {
    HMODULE library = LoadLibraryA("xaudio2_9.dll");
    HRESULT(WINAPI * create)(IXAudio2 **, UINT32, UINT32) = (void *)GetProcAddress(library, "XAudio2Create");
    IXAudio2 *engine;
    IXAudio2MasteringVoice *master;
    IXAudio2SourceVoice *source;
    WAVEFORMATEX format = plain(WAVE_FORMAT_PCM, 2, 44100, 16);
    if (!CHECK("XAudio2", create && SUCCEEDED(create(&engine, 0, 1)))) return;
    if (CHECK_EQ("mastering voice", IXAudio2_CreateMasteringVoice(engine, &master, 0, 0, 0, NULL, NULL, 0), S_OK)) {
        CHECK_EQ("source voice", IXAudio2_CreateSourceVoice(engine, &source, &format, 0, 2, NULL, NULL, NULL), S_OK);
        int16_t *samples = tones(44100, 4410, 440, 1000);
        XAUDIO2_BUFFER buffer = {.Flags = XAUDIO2_END_OF_STREAM, .AudioBytes = 17640, .pAudioData = (BYTE *)samples};
        XAUDIO2_VOICE_STATE state = {.BuffersQueued = 1};
        CHECK_EQ("submit", IXAudio2SourceVoice_SubmitSourceBuffer(source, &buffer, NULL), S_OK);
        CHECK_EQ("start", IXAudio2SourceVoice_Start(source, 0, 0), S_OK);
        for (int waited = 0; waited < PATIENCE && state.BuffersQueued; waited += 5) {
            Sleep(5);
            IXAudio2SourceVoice_GetState(source, &state, 0);
        }
        CHECK_EQ("it is played", state.BuffersQueued, 0);
        IXAudio2SourceVoice_DestroyVoice(source);
        IXAudio2MasteringVoice_DestroyVoice(master);
        free(samples);
    }
    IXAudio2_Release(engine);
}

/* Plays tones by waveOut. */
static void play(DWORD seconds, double left, double right) {
    WAVEFORMATEX format = plain(WAVE_FORMAT_PCM, 2, 44100, 16);
    int16_t *samples = tones(44100, 44100 * seconds, left, right);
    HANDLE event = CreateEventW(NULL, FALSE, FALSE, NULL);
    WAVEHDR part = {.lpData = (char *)samples, .dwBufferLength = 44100 * seconds * 4};
    HWAVEOUT wave;
    if (waveOutOpen(&wave, WAVE_MAPPER, &format, (DWORD_PTR)event, 0, CALLBACK_EVENT)) {
        say("no device");
        return;
    }
    waveOutPrepareHeader(wave, &part, sizeof part);
    waveOutWrite(wave, &part, sizeof part);
    while (!(part.dwFlags & WHDR_DONE)) WaitForSingleObject(event, 1000);
    /* Until the device has played what it was given. */
    Sleep(500);
    waveOutClose(wave);
    say("played");
}

static DWORD WINAPI play_right(void *seconds) {
    play((DWORD)(DWORD_PTR)seconds, 0, 1000);
    return 0;
}

int main(int count, char **arguments) {
    DWORD seconds = count > 2 ? (DWORD)atoi(arguments[2]) : 1;
    if (count > 1 && !strcmp(arguments[1], "tone")) {
        play(seconds, 440, 1000);
        return 0;
    }
    if (count > 1 && !strcmp(arguments[1], "mixed")) {
        HANDLE other = CreateThread(NULL, 0, play_right, (void *)(DWORD_PTR)seconds, 0, NULL);
        play(seconds, 440, 0);
        WaitForSingleObject(other, INFINITE);
        return 0;
    }
    CoInitializeEx(NULL, COINIT_MULTITHREADED);
    wave_out();
    find();
    if (device) {
        formats();
        shared_mode();
        short_lived();
        IMMDevice_Release(device);
    }
    if (enumerator) IMMDeviceEnumerator_Release(enumerator);
    direct_sound();
    xaudio();
    return finish();
}
