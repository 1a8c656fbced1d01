//! A sandbox's share of the host: of processors as people write it, and what limits mean to Linux's control groups, of either version.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

/// Highest number of a processor that a list may name.
const HIGHEST: u16 = 1023;

/// So much time of processors, in thousandths of one's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cpus(pub u32);

/// Processors by number, ascending and each once, at least one: `0-3,6`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CpuList(Vec<u16>);

/// Why a text is no share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShareError(String);

impl fmt::Display for ShareError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for ShareError {}

impl FromStr for Cpus {
    type Err = ShareError;

    fn from_str(text: &str) -> Result<Self, ShareError> {
        let wrong = || ShareError(format!("`{text}` is no number of processors: write it as 2 or 0.5, 0.01 to 1024"));
        let number: f64 = text.trim().parse().map_err(|_| wrong())?;
        // The quota of a control group is at least a millisecond of each tenth of a second.
        if !(0.01..=1024.0).contains(&number) {
            return Err(wrong());
        }
        Ok(Cpus((number * 1000.0) as u32))
    }
}

impl fmt::Display for Cpus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", f64::from(self.0) / 1000.0)
    }
}

impl CpuList {
    /// The numbers.
    pub fn numbers(&self) -> &[u16] {
        &self.0
    }
}

impl FromStr for CpuList {
    type Err = ShareError;

    fn from_str(text: &str) -> Result<Self, ShareError> {
        let wrong = || {
            ShareError(format!("`{text}` is no list of processors: write it as 0-3,6, with numbers up to {HIGHEST}"))
        };
        let number = |text: &str| text.trim().parse().ok().filter(|number| *number <= HIGHEST).ok_or_else(wrong);
        let mut all = Vec::new();
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last): (u16, u16) = (number(first)?, number(last)?);
            if first > last {
                return Err(wrong());
            }
            all.extend(first..=last);
        }
        all.sort_unstable();
        all.dedup();
        Ok(CpuList(all))
    }
}

impl fmt::Display for CpuList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let runs = self.0.chunk_by(|one, next| *next == one + 1);
        for (index, run) in runs.enumerate() {
            let comma = if index == 0 { "" } else { "," };
            match run {
                [first, .., last] => write!(f, "{comma}{first}-{last}")?,
                [one] => write!(f, "{comma}{one}")?,
                [] => {}
            }
        }
        Ok(())
    }
}

/// What is limited, if it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits {
    /// Bytes of memory.
    pub memory: Option<u64>,
    /// Bytes of memory beyond which the host takes pages back first.
    pub memory_soft: Option<u64>,
    /// Processor time.
    pub cpus: Option<Cpus>,
    /// Part of processors that others want too, where those have 100.
    pub cpu_weight: Option<u64>,
    /// Threads.
    pub pids: Option<u64>,
}

/// What a limit writes into files of a control group.
#[derive(Debug)]
pub struct Wanted {
    /// Its name.
    pub name: &'static str,
    /// The controller that keeps it.
    pub controller: &'static str,
    /// File and value in version 1, then in version 2.
    pub files: [(&'static str, String); 2],
    /// Likewise, what is written beside that and need not succeed.
    pub beside: Option<[(&'static str, String); 2]>,
}

impl Limits {
    /// What keeps them.
    pub fn wanted(&self) -> Vec<Wanted> {
        let one = |name, controller, files| Wanted { name, controller, files, beside: None };
        let plain = |legacy, unified, value: u64| [(legacy, format!("{value}")), (unified, format!("{value}"))];
        let memory = self.memory.map(|bytes| Wanted {
            // No swap: the limit is what it may use, not what it may use before it swaps.
            beside: Some([("memory.memsw.limit_in_bytes", format!("{bytes}")), ("memory.swap.max", "0".into())]),
            ..one("memory", "memory", plain("memory.limit_in_bytes", "memory.max", bytes))
        });
        let soft = self
            .memory_soft
            .map(|bytes| one("memory-soft", "memory", plain("memory.soft_limit_in_bytes", "memory.high", bytes)));
        let cpus = self.cpus.map(|cpus| {
            // Microseconds of each tenth of a second, the period that both versions begin with.
            let quota = u64::from(cpus.0) * 100;
            one("cpus", "cpu", [("cpu.cfs_quota_us", format!("{quota}")), ("cpu.max", format!("{quota} 100000"))])
        });
        let weight = self.cpu_weight.map(|weight| {
            let shares = weight.saturating_mul(1024) / 100;
            let files = [("cpu.shares", format!("{}", shares.max(2))), ("cpu.weight", format!("{weight}"))];
            one("cpu-weight", "cpu", files)
        });
        let pids = self.pids.map(|pids| one("pids", "pids", plain("pids.max", "pids.max", pids)));
        [memory, soft, cpus, weight, pids].into_iter().flatten().collect()
    }

    /// The nice value that comes nearest to the weight, if that is below 100: each step takes a fifth.
    pub fn nice(&self) -> i32 {
        let mut weight = 100.0;
        let steps = (0..19).take_while(|_| {
            let more = self.cpu_weight.is_some_and(|wanted| wanted as f64 * 1.118 < weight);
            weight *= 0.8;
            more
        });
        steps.count() as i32
    }
}

/// Whether a list of controllers has one.
pub fn lists(list: &str, controller: &str) -> bool {
    list.split([',', ' ', '\n']).any(|name| name == controller)
}

/// Where groups are mounted, of the text of `/proc/self/mounts`: folder, controllers, and whether it is version 2.
pub fn hierarchies(mounts: &str) -> impl Iterator<Item = (&str, &str, bool)> {
    mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let (folder, kind, options) = (fields.next()?, fields.next()?, fields.next()?);
        matches!(kind, "cgroup" | "cgroup2").then_some((folder, options, kind == "cgroup2"))
    })
}

/// A process's group for a controller, of the text of its `/proc/PID/cgroup`: the path below where groups are mounted.
pub fn group_of<'a>(text: &'a str, controller: &str, unified: bool) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        let its = if unified { controllers.is_empty() } else { lists(controllers, controller) };
        its.then(|| path.trim_start_matches('/'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn processors_are_read_and_written() {
        for (text, shown, count) in
            [("0", "0", 1), ("3-1,2", "", 0), ("0-3,6", "0-3,6", 5), (" 6 , 2,1 ,2", "1-2,6", 3), ("1023", "1023", 1)]
        {
            match text.parse::<CpuList>() {
                Ok(list) => assert_eq!((list.to_string().as_str(), list.numbers().len()), (shown, count), "{text}"),
                Err(error) => assert!(count == 0 && error.to_string().contains("`3-1,2`"), "{error}"),
            }
        }
        for text in ["", ",", "a", "1-", "-1", "1024", "0-99999", "0--1"] {
            assert!(text.parse::<CpuList>().is_err(), "{text}");
        }
    }

    #[test]
    fn limits_are_files_of_either_version() {
        let cpus = Some(Cpus(500));
        let all = Limits { memory: Some(9), memory_soft: Some(8), cpus, cpu_weight: Some(20), pids: Some(7) };
        let files: Vec<String> = all
            .wanted()
            .iter()
            .flat_map(|one| one.files.iter().map(|(file, value)| format!("{file}={value}")))
            .collect();
        let expected = "memory.limit_in_bytes=9 memory.max=9 memory.soft_limit_in_bytes=8 memory.high=8 \
                        cpu.cfs_quota_us=50000 cpu.max=50000 100000 cpu.shares=204 cpu.weight=20 pids.max=7 pids.max=7";
        assert_eq!(files.join(" "), expected);
        assert!(Limits::default().wanted().is_empty());
        for (weight, nice) in [(1, 19), (2, 18), (20, 7), (50, 3), (80, 1), (99, 0), (100, 0), (10_000, 0)] {
            assert_eq!(Limits { cpu_weight: Some(weight), ..Limits::default() }.nice(), nice, "{weight}");
        }
    }

    #[test]
    fn groups_are_found_in_what_the_kernel_says() {
        let mounts = "proc /proc proc rw 0 0\ncgroup /sys/fs/cgroup/cpu cgroup rw,cpu,cpuacct 0 0\n\
                      cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\nshort\n";
        let found: Vec<_> = hierarchies(mounts).collect();
        assert_eq!(found, [("/sys/fs/cgroup/cpu", "rw,cpu,cpuacct", false), ("/sys/fs/cgroup/unified", "rw", true)]);
        let own = "4:memory:/a/b\n1:cpu,cpuacct:/c\n0::/d\nnonsense\n";
        assert_eq!((group_of(own, "memory", false), group_of(own, "cpu", false)), (Some("a/b"), Some("c")));
        assert_eq!((group_of(own, "memory", true), group_of(own, "pids", false)), (Some("d"), None));
        assert!(lists("cpuset cpu io\n", "cpu") && lists("a b\n", "b") && !lists("cpuset\n", "cpu"));
    }

    #[test]
    fn time_of_processors_is_read_and_written() {
        for (text, thousandths) in [("1", 1000), (" 0.5 ", 500), ("0.01", 10), ("1024", 1_024_000), ("1.25", 1250)] {
            let cpus: Cpus = text.parse().unwrap();
            assert_eq!((cpus.0, cpus.to_string().as_str()), (thousandths, text.trim()));
        }
        for text in ["", "0", "-1", "NaN", "inf", "0.009", "1025", "two", "1e9"] {
            assert!(text.parse::<Cpus>().is_err(), "{text}");
        }
    }
}
