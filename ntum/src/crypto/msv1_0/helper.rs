//! One side of an authentication: what `ntlm_auth` answers to lines. Each line begins with what is wanted:
//! `SF` features, `PW` a password, `YR` the first message, `TT` a challenge, `KK` what a client answers to it, `GF` flags, `GK` the session's key.
//! `BH` answers what cannot be done, `NA` a client that is nobody known.

use super::message::{Authenticate, Challenge, flag, item, items, negotiate, read_items, read_negotiate};
use super::response::{self, Hash, bytes, hmac, is_hmac, of_password, of_user, rc4, session_key};
use crate::crypto::secur32::status::SEC_E_INVALID_TOKEN;
use crate::kernel::Kernel;
use crate::status::*;
use crate::types::nt_time;
use base64ct::{Base64, Encoding};

/// What clients offer, and servers take; servers without `EXTENDED`, whose keys Wine's msv1_0 makes for clients alone.
const OFFERED: u32 = flag::UNICODE
    | flag::OEM
    | flag::REQUEST_TARGET
    | flag::NTLM
    | flag::ALWAYS_SIGN
    | flag::EXTENDED
    | flag::TARGET_INFO
    | flag::VERSION
    | flag::BITS_128
    | flag::KEY_EXCHANGE
    | flag::BITS_56;
/// What a program asks for.
const FEATURES: [(&str, u32); 2] = [("NTLMSSP_FEATURE_SIGN", flag::SIGN), ("NTLMSSP_FEATURE_SEAL", flag::SEAL)];
/// MsvAvFlags: the message has an integrity code.
const HAS_CODE: u32 = 2;
/// Bytes of a response before its items: proof, version, time, the client's own challenge.
const BEFORE_ITEMS: usize = 16 + 28;

/// Who a client says that it is.
enum Account {
    /// The user of the sandbox.
    Own,
    /// Somebody with a password, which is yet to come.
    Other(Option<String>),
}

enum Side {
    Client { user: Vec<u16>, domain: Vec<u16>, account: Account },
    Server { challenge: [u8; 8] },
}

/// What was agreed on.
struct Agreed {
    flags: u32,
    key: Hash,
}

/// An authentication.
pub struct Helper {
    side: Side,
    /// SIGN and SEAL, as asked for.
    features: u32,
    /// Messages so far.
    said: Vec<Vec<u8>>,
    agreed: Option<Agreed>,
}

fn random<const N: usize>(k: &Kernel) -> [u8; N] {
    let mut out = [0; N];
    k.host.random(&mut out);
    out
}

fn decode(text: &str) -> Nt<Vec<u8>> {
    Base64::decode_vec(text).map_err(|_| SEC_E_INVALID_TOKEN)
}

/// A text as messages with these flags have it.
fn encode_text(units: &[u16], flags: u32) -> Vec<u8> {
    if flags & flag::UNICODE != 0 { bytes(units) } else { String::from_utf16_lossy(units).into_bytes() }
}

fn decode_text(text: &[u8], flags: u32) -> Vec<u16> {
    match flags & flag::UNICODE {
        0 => String::from_utf8_lossy(text).encode_utf16().collect(),
        _ => text.as_chunks().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect(),
    }
}

fn units(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

impl Helper {
    /// The one that these arguments ask for: the program's name, the protocol, and whose sake it is for.
    pub fn new(arguments: &[String]) -> Option<Helper> {
        let of = |name: &str| arguments.iter().find_map(|text| text.strip_prefix(name)).map(units).unwrap_or_default();
        let side = match arguments.get(1)?.as_str() {
            "--helper-protocol=ntlmssp-client-1" => {
                let own = arguments.iter().any(|text| text == "--use-cached-creds");
                let account = if own { Account::Own } else { Account::Other(None) };
                Side::Client { user: of("--username="), domain: of("--domain="), account }
            }
            "--helper-protocol=squid-2.5-ntlmssp" => Side::Server { challenge: [0; 8] },
            _ => return None,
        };
        Some(Helper { side, features: 0, said: Vec::new(), agreed: None })
    }

    /// The answer to a line.
    ///
    /// # Errors
    /// `SEC_E_INVALID_TOKEN` for a message that is none, the registry's.
    pub fn answer(&mut self, k: &'static Kernel, line: &str) -> Nt<String> {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let told = |verb: &str, message: &[u8]| Ok(format!("{verb} {}", Base64::encode_string(message)));
        match (verb, &mut self.side) {
            ("SF", _) => {
                let asked = |name: &str| rest.split(' ').any(|word| word == name);
                self.features = FEATURES.iter().filter(|(name, _)| asked(name)).map(|(_, bit)| bit).sum();
                Ok("OK".into())
            }
            ("OK", Side::Client { account: Account::Other(None), .. }) => Ok("PW".into()),
            ("OK", Side::Client { .. }) => Ok("OK".into()),
            ("PW", Side::Client { account, .. }) => {
                let password = decode(rest)?;
                let password = String::from_utf8_lossy(password.strip_suffix(&[0]).unwrap_or(&password));
                *account = Account::Other(Some(password.into_owned()));
                Ok("OK".into())
            }
            ("YR", Side::Client { .. }) => {
                let message = negotiate((OFFERED | self.features) & !flag::TARGET_INFO);
                self.said = vec![message.clone()];
                told("YR", &message)
            }
            ("TT", Side::Client { .. }) => {
                let message = self.authenticate(k, decode(rest)?)?;
                told("KK", &message)
            }
            ("YR", Side::Server { .. }) => {
                let message = self.challenge(k, decode(rest)?)?;
                told("TT", &message)
            }
            ("KK", Side::Server { .. }) => Ok(match self.accept(k, &decode(rest)?)? {
                Some(user) => format!("AF {user}"),
                None => "NA NT_STATUS_LOGON_FAILURE".into(),
            }),
            ("GF", _) => Ok(self.agreed.as_ref().map_or("BH".into(), |agreed| format!("GF 0x{:08x}", agreed.flags))),
            ("GK", _) => self.agreed.as_ref().map_or(Ok("BH".into()), |agreed| told("GK", &agreed.key)),
            _ => Ok("BH".into()),
        }
    }

    /// A client's answer to a challenge.
    fn authenticate(&mut self, k: &'static Kernel, said: Vec<u8>) -> Nt<Vec<u8>> {
        let Side::Client { user, domain, account } = &self.side else { return Err(SEC_E_INVALID_TOKEN) };
        let [first] = &self.said[..] else { return Err(SEC_E_INVALID_TOKEN) };
        let challenge = Challenge::read(&said)?;
        let mut flags = challenge.flags & (OFFERED | self.features);
        if flags & flag::UNICODE != 0 {
            flags &= !flag::OEM;
        }
        let time = challenge.target.iter().find(|(kind, _)| *kind == item::TIME);
        let time = time.and_then(|(_, data)| data.first_chunk()).map(|time| u64::from_le_bytes(*time));
        let mut answer = Authenticate {
            domain: encode_text(domain, flags),
            user: encode_text(user, flags),
            workstation: encode_text(&units(&k.boot.computer.to_uppercase()), flags),
            ..Authenticate::default()
        };
        let hash = match account {
            Account::Own => super::secret(k)?,
            Account::Other(password) => of_password(password.as_deref().unwrap_or_default()),
        };
        let nobody = user.is_empty() && !matches!(account, Account::Other(Some(password)) if !password.is_empty());
        let base = if nobody {
            flags |= flag::ANONYMOUS;
            answer.lm = vec![0];
            [0; 16]
        } else {
            let of_user = of_user(&hash, user, domain);
            let own = random::<8>(k);
            let mut target = challenge.target.clone();
            if time.is_some() {
                target.retain(|(kind, _)| *kind != item::FLAGS);
                target.push((item::FLAGS, HAS_CODE.to_le_bytes().to_vec()));
                answer.lm = vec![0; 24];
            } else {
                answer.lm = [&hmac(&of_user, &[&challenge.number, &own])[..], &own].concat();
            }
            let at = time.unwrap_or_else(|| nt_time(k.host.realtime()) as u64);
            answer.nt = response::response(&of_user, &challenge.number, &own, at, &items(&target));
            session_key(&of_user, answer.nt.get(..16).unwrap_or_default())
        };
        let key = if flags & flag::KEY_EXCHANGE != 0 {
            let key = random::<16>(k);
            answer.key = rc4(&base, key).to_vec();
            key
        } else {
            base
        };
        answer.flags = flags;
        let mut message = answer.write();
        if time.is_some() && !nobody {
            let code = hmac(&key, &[first, &said, &message]);
            if let Some(place) = message.get_mut(Authenticate::CODE_AT) {
                place.copy_from_slice(&code);
            }
        }
        self.agreed = Some(Agreed { flags, key });
        Ok(message)
    }

    /// A server's answer to what a client begins with.
    fn challenge(&mut self, k: &'static Kernel, said: Vec<u8>) -> Nt<Vec<u8>> {
        let theirs = read_negotiate(&said)?;
        let mut flags = theirs & (OFFERED | flag::SIGN | flag::SEAL) & !(flag::EXTENDED | flag::REQUEST_TARGET);
        flags |= flag::NTLM | flag::TARGET_IS_SERVER | flag::TARGET_INFO;
        flags &= if flags & flag::UNICODE != 0 { !flag::OEM } else { u32::MAX };
        let number = random(k);
        let name = units(&k.boot.computer.to_uppercase());
        let dns = bytes(&units(&k.boot.computer));
        let time = (nt_time(k.host.realtime()) as u64).to_le_bytes().to_vec();
        let target = vec![
            (item::DOMAIN, bytes(&name)),
            (item::COMPUTER, bytes(&name)),
            (item::DNS_DOMAIN, dns.clone()),
            (item::DNS_COMPUTER, dns),
            (item::TIME, time),
        ];
        let challenge = Challenge { flags, number, target };
        let message = challenge.write(&encode_text(&name, flags));
        self.side = Side::Server { challenge: number };
        self.said = vec![said, message.clone()];
        Ok(message)
    }

    /// Who a client is that answered a challenge; `None` for nobody known.
    fn accept(&mut self, k: &'static Kernel, said: &[u8]) -> Nt<Option<String>> {
        let Side::Server { challenge } = self.side else { return Err(SEC_E_INVALID_TOKEN) };
        let [first, second] = &self.said[..] else { return Err(SEC_E_INVALID_TOKEN) };
        let answer = Authenticate::read(said)?;
        let (user, domain) = (decode_text(&answer.user, answer.flags), decode_text(&answer.domain, answer.flags));
        let of_user = of_user(&super::secret(k)?, &user, &domain);
        let Some((proof, blob)) = answer.nt.split_at_checked(16) else { return Ok(None) };
        if !is_hmac(&of_user, &[&challenge, blob], proof) {
            return Ok(None);
        }
        let base = session_key(&of_user, proof);
        let flags = answer.flags & Challenge::read(second)?.flags;
        let key = match <[u8; 16]>::try_from(&answer.key[..]) {
            Ok(sent) if flags & flag::KEY_EXCHANGE != 0 => rc4(&base, sent),
            _ => base,
        };
        let target = read_items(answer.nt.get(BEFORE_ITEMS..).unwrap_or_default())?;
        let flags_of = |data: &[u8]| data.first_chunk().map_or(0, |four| u32::from_le_bytes(*four));
        if target.iter().any(|(kind, data)| *kind == item::FLAGS && flags_of(data) & HAS_CODE != 0) {
            let mut bare = said.to_vec();
            let Some(place) = bare.get_mut(Authenticate::CODE_AT) else { return Err(SEC_E_INVALID_TOKEN) };
            let mut code = [0; 16];
            code.swap_with_slice(place);
            if !is_hmac(&key, &[first, second, &bare], &code) {
                return Ok(None);
            }
        }
        self.agreed = Some(Agreed { flags, key });
        Ok(Some(String::from_utf16_lossy(&user)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::Fake;

    fn arguments(texts: &[&str]) -> Vec<String> {
        ["ntlm_auth"].iter().chain(texts).map(|text| (*text).to_owned()).collect()
    }

    fn client(texts: &[&str]) -> Helper {
        let all = [&["--helper-protocol=ntlmssp-client-1"], texts].concat();
        Helper::new(&arguments(&all)).unwrap()
    }

    fn server() -> Helper {
        Helper::new(&arguments(&["--helper-protocol=squid-2.5-ntlmssp"])).unwrap()
    }

    /// Has the two talk; answers the server's last line.
    fn talk(k: &'static Kernel, client: &mut Helper, server: &mut Helper) -> String {
        let first = client.answer(k, "YR").unwrap();
        let challenge = server.answer(k, &first).unwrap();
        let answer = client.answer(k, &challenge).unwrap();
        server.answer(k, &answer).unwrap()
    }

    #[test]
    fn both_sides_of_a_sandbox_come_to_the_same_key() {
        let (_, k) = Fake::kernel();
        let (mut client, mut server) = (client(&["--username=me", "--use-cached-creds"]), server());
        assert_eq!(client.answer(k, "GK").unwrap(), "BH");
        assert_eq!(client.answer(k, "OK").unwrap(), "OK");
        assert_eq!(client.answer(k, "SF NTLMSSP_FEATURE_SEAL NTLMSSP_FEATURE_SIGN").unwrap(), "OK");
        assert_eq!(talk(k, &mut client, &mut server), "AF me");
        for line in ["GF", "GK"] {
            let said = client.answer(k, line).unwrap();
            assert!(said.starts_with(line) && server.answer(k, line).unwrap() == said);
        }
        let flags = client.agreed.unwrap().flags;
        assert_eq!(flags & (flag::SIGN | flag::SEAL | flag::KEY_EXCHANGE | flag::EXTENDED), 0x4000_0030);
    }

    #[test]
    fn passwords_are_nobody_s_and_a_changed_message_is_refused() {
        let (_, k) = Fake::kernel();
        let (mut other, mut asked) = (client(&["--username=me", "--domain=there"]), server());
        assert_eq!(other.answer(k, "OK").unwrap(), "PW");
        assert_eq!(other.answer(k, "PW c2VjcmV0").unwrap(), "OK");
        assert_eq!(talk(k, &mut other, &mut asked), "NA NT_STATUS_LOGON_FAILURE");
        assert_eq!(asked.answer(k, "GK").unwrap(), "BH");

        let (mut own, mut asked) = (client(&["--username=me", "--use-cached-creds"]), server());
        let first = own.answer(k, "YR").unwrap();
        let challenge = asked.answer(k, &first).unwrap();
        let answer = own.answer(k, &challenge).unwrap();
        let message = decode(&answer[3..]).unwrap();
        // Flags that are not what the client sent: its code says so.
        for (at, bit) in [(60, 0x10), (80, 1), (message.len() - 1, 1)] {
            let mut odd = message.clone();
            odd[at] ^= bit;
            let line = format!("KK {}", Base64::encode_string(&odd));
            assert_eq!(asked.answer(k, &line).unwrap(), "NA NT_STATUS_LOGON_FAILURE");
        }
        assert!(asked.answer(k, &answer).unwrap().starts_with("AF"));
        for length in 0..message.len() {
            let line = format!("KK {}", Base64::encode_string(&message[..length]));
            assert!(!asked.answer(k, &line).is_ok_and(|said| said.starts_with("AF")));
        }
    }
}
