//! What the registry says of how a process is to run: the session's options, and those of its program
//! (`Image File Execution Options`), as they are found in the PEB.

use super::layout::peb;
use crate::kernel::Kernel;
use crate::status::*;
use crate::um::UserPtr;

const SESSION: &str = "Machine\\System\\CurrentControlSet\\Control\\Session Manager";
const PROGRAMS: &str = "Machine\\Software\\Microsoft\\Windows NT\\CurrentVersion\\Image File Execution Options";
/// REG_DWORD.
const DWORD: u32 = 4;

impl Kernel {
    /// Writes a process's options into its PEB. `program` is its file's path.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`.
    pub(super) fn write_options(&'static self, peb: u64, program: &str) -> Nt<()> {
        let option = |path: &str, name: &str| {
            let (kind, data) = self.setting(path, name)?;
            data.first_chunk().filter(|_| kind == DWORD).map(|raw| u32::from_le_bytes(*raw))
        };
        let session = |name, otherwise| u64::from(option(SESSION, name).unwrap_or(otherwise));
        let word = |offset: u64, value: u64| UserPtr::<u64>::new(peb + offset).write(self, value);
        // Seconds: a month, if nothing else is said. In the PEB it is relative, in 100 nanoseconds.
        let timeout = session("CriticalSectionTimeout", 2_592_000);
        word(peb::CRITICAL_SECTION_TIMEOUT, (timeout * 10_000_000).wrapping_neg())?;
        word(peb::HEAP_SEGMENT_RESERVE, session("HeapSegmentReserve", 0x10_0000))?;
        word(peb::HEAP_SEGMENT_COMMIT, session("HeapSegmentCommit", 0x2000))?;
        word(peb::HEAP_DECOMMIT_TOTAL_FREE, session("HeapDeCommitTotalFreeThreshold", 0x1_0000))?;
        word(peb::HEAP_DECOMMIT_FREE_BLOCK, session("HeapDeCommitFreeBlockThreshold", 0x1000))?;
        let name = program.rsplit('\\').next().unwrap_or(program);
        let own = option(&format!("{PROGRAMS}\\{name}"), "GlobalFlag");
        let flags = own.or_else(|| option(SESSION, "GlobalFlag")).unwrap_or(0);
        UserPtr::<u32>::new(peb + peb::NT_GLOBAL_FLAG).write(self, flags)
    }
}
