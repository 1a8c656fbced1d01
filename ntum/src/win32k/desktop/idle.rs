//! Finds out when nothing is to be done: every thread with windows waits for messages and has none, or looks for one again and again in vain, as
//! games do; and whoever else shows the desktop has painted what programs asked for.

use super::link::Link;
use crate::shm::Shm;
use crate::status::Nt;
use shim_abi::display::Notice;

/// How often in a row nothing must have been found to do. Between one message and what its program does about it with other threads there is
/// a moment in which nobody has anything.
const TIMES: u32 = 8;
/// How often a thread that does not wait must have looked in vain meanwhile. One that looks now and then is at something else.
const LOOKS: u32 = 4;
/// How often at most it is looked whether another desktop has painted: its client may keep it from that.
const PAINTS: u32 = 1000;

/// Who waits for it.
#[derive(Debug, Default)]
pub(super) struct Idle {
    tags: Vec<u32>,
    times: u32,
    /// Queues of threads that did not wait, and how often they had looked in vain, when nothing was found to do for the first time.
    restless: Vec<(u32, u32)>,
    /// How often there was nothing to do but for another desktop.
    unpainted: u32,
}

impl Idle {
    /// The client wants to hear of it under that tag.
    pub(super) fn await_for(&mut self, tag: u32) {
        // One that asks more often than it is answered hears of the last ones.
        self.tags.truncate(63);
        self.tags.push(tag);
        self.times = 0;
    }

    /// Whether somebody waits for it.
    pub(super) fn is_awaited(&self) -> bool {
        !self.tags.is_empty()
    }

    /// Looks; tells the client.
    ///
    /// # Errors
    /// What the host answers when the client is gone.
    pub(super) fn tell(&mut self, shm: &'static Shm, me: u32, link: &Link) -> Nt<()> {
        if self.tags.is_empty() {
            return Ok(());
        }
        let tx = shm.begin();
        let now = tx.restless_queues();
        let unpainted = tx.is_to_be_painted(me);
        drop(tx);
        if self.is_over(now) && self.is_painted(unpainted) {
            for tag in std::mem::take(&mut self.tags) {
                link.tell(&Notice::Idle(tag))?;
            }
        }
        Ok(())
    }

    /// Whether what is the desktop's own is as it is to be; not waited for without end.
    fn is_painted(&mut self, unpainted: bool) -> bool {
        self.unpainted = if unpainted { self.unpainted.saturating_add(1) } else { 0 };
        !unpainted || self.unpainted >= PAINTS
    }

    /// Takes over what was found; answers whether nothing is to be done. `None`: something is.
    fn is_over(&mut self, found: Option<Vec<(u32, u32)>>) -> bool {
        let Some(now) = found else {
            self.times = 0;
            return false;
        };
        // Those that wait meanwhile are no matter; others must have gone on looking, and found nothing.
        let before = |queue: u32| self.restless.iter().find(|(known, _)| *known == queue).map(|(_, vain)| *vain);
        let looks = |(queue, vain): &(u32, u32)| before(*queue).and_then(|before| vain.checked_sub(before));
        let looks: Option<Vec<u32>> = now.iter().map(looks).collect();
        match looks.filter(|_| self.times > 0) {
            Some(looks) => {
                self.times = self.times.saturating_add(1);
                self.times >= TIMES && looks.iter().all(|looks| *looks >= LOOKS)
            }
            None => {
                (self.restless, self.times) = (now, 1);
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often it must be looked until it is over.
    fn times(mut found: impl FnMut(u32) -> Option<Vec<(u32, u32)>>) -> Option<u32> {
        let mut idle = Idle::default();
        (1..100).find(|time| idle.is_over(found(*time)))
    }

    #[test]
    fn who_waits_or_looks_in_vain_has_nothing_to_do() {
        assert_eq!(times(|_| Some(Vec::new())), Some(TIMES));
        assert_eq!(times(|_| None), None);
        assert_eq!(times(|time| (time != 5).then(Vec::new)), Some(5 + TIMES));
        let mut idle = Idle::default();
        assert_eq!((1..2000).find(|time| idle.is_painted(*time < 7)), Some(7));
        assert_eq!((1..2000).find(|_| idle.is_painted(true)), Some(PAINTS));
        // One that polls, fast or slowly.
        assert_eq!(times(|time| Some(vec![(7, time * 10)])), Some(TIMES));
        assert_eq!(times(|time| Some(vec![(7, time / 8)])), Some(32));
        // One that is at something, one that finds something now and then, one that is new.
        assert_eq!(times(|_| Some(vec![(7, 3)])), None);
        assert_eq!(times(|time| Some(vec![(7, time % 4)])), None);
        assert_eq!(times(|time| Some(vec![(time, 50)])), None);
    }
}
