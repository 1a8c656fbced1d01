//! Guest memory as a map of regions, and of the pages that were stored to.

use super::files::Data;
use crate::host::{Fault, Placement, Prot, Sharing};
use parking_lot::Mutex;
use shim_abi::error::{Error, Result};
use std::collections::BTreeMap;
use std::sync::Arc;

const PAGE: u64 = 4096;

#[derive(Clone)]
enum Backing {
    /// Zero until stored to.
    Zero,
    /// Bytes of a stream from this offset, which belongs to the region's first page.
    Stream { data: Arc<Data>, offset: u64, sharing: Sharing },
}

#[derive(Clone)]
struct Region {
    end: u64,
    prot: Prot,
    backing: Backing,
}

#[derive(Default)]
struct Space {
    /// By first address; they do not overlap.
    regions: BTreeMap<u64, Region>,
    /// Private pages that were stored to, by address.
    pages: BTreeMap<u64, Box<[u8; PAGE as usize]>>,
}

/// The guest's address space.
#[derive(Default)]
pub struct Memory {
    space: Mutex<Space>,
}

impl Space {
    fn find(&self, address: u64) -> Option<(u64, &Region)> {
        let (start, region) = self.regions.range(..=address).next_back()?;
        (address < region.end).then_some((*start, region))
    }

    /// Makes a region start (and the one before end) at this address.
    fn split(&mut self, at: u64) {
        let Some((start, region)) = self.find(at).map(|(start, region)| (start, region.clone())) else { return };
        if start == at {
            return;
        }
        let mut upper = region.clone();
        if let Backing::Stream { offset, .. } = &mut upper.backing {
            *offset += at - start;
        }
        self.regions.insert(start, Region { end: at, ..region });
        self.regions.insert(at, upper);
    }

    fn free(&mut self, start: u64, end: u64) {
        self.split(start);
        self.split(end);
        let gone: Vec<u64> = self.regions.range(start..end).map(|(at, _)| *at).collect();
        gone.iter().for_each(|at| drop(self.regions.remove(at)));
        self.drop_pages(start, end);
    }

    fn drop_pages(&mut self, start: u64, end: u64) {
        let gone: Vec<u64> = self.pages.range(start..end).map(|(at, _)| *at).collect();
        gone.iter().for_each(|at| drop(self.pages.remove(at)));
    }

    fn covered(&self, start: u64, end: u64) -> bool {
        let mut at = start;
        while at < end {
            match self.find(at) {
                Some((_, region)) => at = region.end,
                None => return false,
            }
        }
        true
    }

    /// Loads bytes that lie in one page.
    fn load(&self, address: u64, into: &mut [u8]) -> core::result::Result<(), Fault> {
        let fault = Fault { address, write: false };
        let (start, region) = self.find(address).ok_or(fault)?;
        if !region.prot.read {
            return Err(fault);
        }
        let (page, within) = (address & !(PAGE - 1), (address % PAGE) as usize);
        if let Some(bytes) = self.pages.get(&page) {
            into.copy_from_slice(&bytes[within..within + into.len()]);
            return Ok(());
        }
        match &region.backing {
            Backing::Zero => into.fill(0),
            Backing::Stream { data, offset, .. } => {
                let at = offset + (address - start);
                if (offset + (page - start)) >= data.len() {
                    return Err(fault);
                }
                into.fill(0);
                data.read_at(at, into);
            }
        }
        Ok(())
    }

    /// Stores bytes that lie in one page.
    fn store(&mut self, address: u64, from: &[u8]) -> core::result::Result<(), Fault> {
        let fault = Fault { address, write: true };
        let (start, region) = self.find(address).map(|(start, region)| (start, region.clone())).ok_or(fault)?;
        if !region.prot.write {
            return Err(fault);
        }
        let (page, within) = (address & !(PAGE - 1), (address % PAGE) as usize);
        if let Backing::Stream { data, offset, sharing } = &region.backing {
            if (offset + (page - start)) >= data.len() {
                return Err(fault);
            }
            if *sharing == Sharing::Shared {
                data.write_within(offset + (address - start), from);
                return Ok(());
            }
        }
        let mut bytes = match self.pages.remove(&page) {
            Some(bytes) => bytes,
            None => {
                let mut bytes = Box::new([0; PAGE as usize]);
                if let Backing::Stream { data, offset, .. } = &region.backing {
                    data.read_at(offset + (page - start), &mut bytes[..]);
                }
                bytes
            }
        };
        bytes[within..within + from.len()].copy_from_slice(from);
        self.pages.insert(page, bytes);
        Ok(())
    }
}

fn pieces(address: u64, length: usize) -> impl Iterator<Item = (u64, std::ops::Range<usize>)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        if done == length {
            return None;
        }
        let at = address + done as u64;
        let piece = ((PAGE - at % PAGE) as usize).min(length - done);
        done += piece;
        Some((at, done - piece..done))
    })
}

impl Memory {
    fn place(&self, address: u64, length: u64, placement: Placement, prot: Prot, backing: Backing) -> Result {
        if !address.is_multiple_of(PAGE) || length == 0 {
            return Err(Error::Invalid);
        }
        let end = address.checked_add(length.next_multiple_of(PAGE)).ok_or(Error::Invalid)?;
        let mut space = self.space.lock();
        let taken = space.find(address).is_some() || space.regions.range(address..end).next().is_some();
        if placement == Placement::New && taken {
            return Err(Error::AddressInUse);
        }
        space.free(address, end);
        space.regions.insert(address, Region { end, prot, backing });
        Ok(())
    }

    pub(super) fn map(&self, address: u64, length: u64, prot: Prot, placement: Placement) -> Result {
        self.place(address, length, placement, prot, Backing::Zero)
    }

    #[allow(clippy::too_many_arguments)]
    pub(super) fn map_stream(
        &self,
        address: u64,
        length: u64,
        prot: Prot,
        placement: Placement,
        data: Arc<Data>,
        offset: u64,
        sharing: Sharing,
    ) -> Result {
        if !offset.is_multiple_of(PAGE) {
            return Err(Error::Invalid);
        }
        self.place(address, length, placement, prot, Backing::Stream { data, offset, sharing })
    }

    pub(super) fn unmap(&self, address: u64, length: u64) {
        self.space.lock().free(address, address + length.next_multiple_of(PAGE));
    }

    pub(super) fn protect(&self, address: u64, length: u64, prot: Prot) -> Result {
        let end = address + length.next_multiple_of(PAGE);
        let mut space = self.space.lock();
        if !space.covered(address, end) {
            return Err(Error::OutOfMemory);
        }
        space.split(address);
        space.split(end);
        space.regions.range_mut(address..end).for_each(|(_, region)| region.prot = prot);
        Ok(())
    }

    pub(super) fn discard(&self, address: u64, length: u64) -> Result {
        let end = address + length.next_multiple_of(PAGE);
        let mut space = self.space.lock();
        if !space.covered(address, end) {
            return Err(Error::OutOfMemory);
        }
        space.drop_pages(address, end);
        Ok(())
    }

    pub(super) fn read(&self, address: u64, into: &mut [u8]) -> core::result::Result<(), Fault> {
        let space = self.space.lock();
        pieces(address, into.len()).try_for_each(|(at, range)| space.load(at, &mut into[range]))
    }

    pub(super) fn write(&self, address: u64, from: &[u8]) -> core::result::Result<(), Fault> {
        let mut space = self.space.lock();
        pieces(address, from.len()).try_for_each(|(at, range)| space.store(at, &from[range]))
    }

    pub(super) fn swap(&self, address: u64, expected: u32, new: u32) -> core::result::Result<u32, Fault> {
        let mut space = self.space.lock();
        let mut bytes = [0; 4];
        space.load(address, &mut bytes).map_err(|fault| Fault { write: true, ..fault })?;
        let before = u32::from_le_bytes(bytes);
        // Like the machine's exchange it needs a writable page even when it changes nothing.
        let after = if before == expected { new } else { before };
        space.store(address, &after.to_le_bytes())?;
        Ok(before)
    }

    /// What is mapped: first address, end, protection; neighbours alike are not joined.
    pub fn regions(&self) -> Vec<(u64, u64, Prot)> {
        self.space.lock().regions.iter().map(|(at, region)| (*at, region.end, region.prot)).collect()
    }
}
