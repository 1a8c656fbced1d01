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
];

/// Every implemented call.
pub fn all() -> impl Iterator<Item = &'static Call> {
    TABLES.iter().flat_map(|table| table.iter())
}

/// The call of that name.
pub fn find(name: &str) -> Option<&'static Call> {
    all().find(|call| call.name == name)
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_are_distinct_and_arguments_fit() {
        let calls: Vec<_> = super::all().collect();
        for (index, call) in calls.iter().enumerate() {
            assert!(call.args.len() <= crate::call::MAX_ARGS, "{}", call.name);
            assert!(calls[..index].iter().all(|other| other.name != call.name), "{} twice", call.name);
        }
    }
}
