//! Every system call that is implemented, from the tables of the components: dispatch, tracing and the status page are
//! made from it. A call that is not here is absent: it answers `STATUS_NOT_IMPLEMENTED` and is logged once by name.

use crate::call::Call;

/// The tables of the components.
pub const TABLES: &[&[Call]] = &[
    crate::ob::CALLS,
    crate::ke::CALLS,
    crate::ps::CALLS,
    crate::mm::CALLS,
    crate::io::CALLS,
    crate::cm::CALLS,
    crate::ex::CALLS,
    crate::se::CALLS,
    crate::nls::CALLS,
    crate::lpc::CALLS,
    crate::win32k::user::CALLS,
    crate::win32k::user::menu::CALLS,
    crate::win32k::user::scrollbar::CALLS,
    crate::win32k::user::nonclient::CALLS,
    crate::win32k::gdi::objects::CALLS,
    crate::win32k::gdi::dc::CALLS,
    crate::win32k::gdi::mapping::CALLS,
    crate::win32k::gdi::caps::CALLS,
    crate::win32k::gdi::clip::CALLS,
    crate::win32k::gdi::regions::CALLS,
    crate::win32k::gdi::bitmap::CALLS,
    crate::win32k::gdi::dib::CALLS,
    crate::win32k::gdi::brush::CALLS,
    crate::win32k::gdi::pen::CALLS,
    crate::win32k::gdi::palette::CALLS,
    crate::win32k::gdi::font::CALLS,
    crate::win32k::gdi::fonts::measure::CALLS,
    crate::win32k::gdi::fonts::data::CALLS,
    crate::win32k::gdi::fonts::enumerate::CALLS,
    crate::win32k::gdi::fonts::resource::CALLS,
    crate::win32k::gdi::text::CALLS,
    crate::win32k::gdi::blit::CALLS,
    crate::win32k::gdi::compose::CALLS,
    crate::win32k::gdi::mask::CALLS,
    crate::win32k::gdi::flood::CALLS,
    crate::win32k::gdi::metafile::CALLS,
    crate::win32k::gdi::memory_dc::CALLS,
    crate::win32k::gdi::adapters::CALLS,
    crate::win32k::gdi::device::CALLS,
    crate::win32k::print::CALLS,
    crate::win32k::gdi::draw::CALLS,
    crate::win32k::gdi::figures::CALLS,
    crate::win32k::gdi::path::calls::CALLS,
];

/// Every implemented call.
pub fn all() -> impl Iterator<Item = &'static Call> {
    TABLES.iter().flat_map(|table| table.iter())
}

/// Rows in all tables.
const COUNT: usize = {
    let mut count = 0;
    let mut table = 0;
    while table < TABLES.len() {
        count += TABLES[table].len();
        table += 1;
    }
    count
};

/// Every row in the order of the names, made when this is compiled: each start looks up every stub of ntdll.
static SORTED: [&Call; COUNT] = sorted();

const fn sorted() -> [&'static Call; COUNT] {
    let mut rows = [&TABLES[0][0]; COUNT];
    let (mut count, mut table) = (0, 0);
    while table < TABLES.len() {
        let mut row = 0;
        while row < TABLES[table].len() {
            // Sifted up through a heap whose root is the last name.
            let mut at = count;
            rows[at] = &TABLES[table][row];
            while at > 0 && precedes(rows[(at - 1) / 2].name, rows[at].name) {
                rows.swap(at, (at - 1) / 2);
                at = (at - 1) / 2;
            }
            count += 1;
            row += 1;
        }
        table += 1;
    }
    while count > 1 {
        count -= 1;
        rows.swap(0, count);
        let mut at = 0;
        loop {
            let mut last = at;
            let mut child = 2 * at + 1;
            while child <= 2 * at + 2 && child < count {
                if precedes(rows[last].name, rows[child].name) {
                    last = child;
                }
                child += 1;
            }
            if last == at {
                break;
            }
            rows.swap(at, last);
            at = last;
        }
    }
    rows
}

/// Whether a name comes before another.
const fn precedes(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut at = 0;
    while at < a.len() && at < b.len() {
        if a[at] != b[at] {
            return a[at] < b[at];
        }
        at += 1;
    }
    a.len() < b.len()
}

/// The call of that name.
pub fn find(name: &str) -> Option<&'static Call> {
    let place = SORTED.binary_search_by(|call| call.name.cmp(name)).ok()?;
    SORTED.get(place).copied()
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_are_distinct_and_arguments_fit() {
        let calls: Vec<_> = super::all().collect();
        for (index, call) in calls.iter().enumerate() {
            assert!(call.args.len() <= crate::call::MAX_ARGS, "{}", call.name);
            assert!(calls[..index].iter().all(|other| other.name != call.name), "{} twice", call.name);
            assert!(super::find(call.name).is_some_and(|found| core::ptr::eq(found, *call)), "{} is found", call.name);
        }
        assert!(super::SORTED.is_sorted_by_key(|call| call.name));
        assert!(super::find("NtNothing").is_none() && super::find("").is_none());
    }
}
