use super::section::{nt_get_nls_section_ptr, nt_initialize_nls_files};
use super::*;
use crate::host::fake::Fake;

fn run(locale: &str, test: impl FnOnce(&'static Fake, &Cx<'_>) + Send + 'static) {
    let fake = Fake::leak();
    let boot = shim_abi::boot::Boot { locale: locale.into(), ..Fake::boot() };
    let k: &'static Kernel = Box::leak(Box::new(Kernel::new(fake, boot)));
    fake.files.add_file("image:nls/locale.nls", locale::tests::sample());
    fake.files.add_file("image:nls/c_037.nls", vec![7; 5000]);
    if let Err(panic) = fake.thread(k, move |cx| test(fake, cx)).join() {
        std::panic::resume_unwind(panic);
    }
}

#[test]
fn tables_are_mapped() {
    run("xx-YY", |fake, cx| {
        let (address, number, size) = (fake.alloc(0u64), fake.alloc(0u32), fake.alloc(0u64));
        assert_eq!(nt_initialize_nls_files(cx, address, number, size), Ok(STATUS_SUCCESS));
        assert_eq!(number.read(cx.k), Ok(0xabc));
        let at = address.read(cx.k).unwrap();
        let mut bytes = vec![0; locale::tests::sample().len()];
        cx.k.read_user(at, &mut bytes).unwrap();
        assert_eq!(bytes, locale::tests::sample());
        let table = u32::from_le_bytes(*bytes[16..].first_chunk().unwrap());
        assert_eq!(size.read(cx.k), Ok(table.into()));
        assert_eq!(nt_get_nls_section_ptr(cx, 11, 37, 0, address, size), Ok(STATUS_SUCCESS));
        assert_eq!(size.read(cx.k), Ok(5000));
        let first = address.read(cx.k).unwrap();
        assert_eq!(UserPtr::<u32>::new(first).read(cx.k), Ok(0x0707_0707));
        assert!(cx.k.write_user(first, &[0]).is_err(), "tables are for reading");
        assert_eq!(nt_get_nls_section_ptr(cx, 11, 37, 0, address, size), Ok(STATUS_SUCCESS));
        assert_ne!(address.read(cx.k), Ok(first), "each call maps a view of its own");
    });
}

#[test]
fn tables_that_there_are_not() {
    run("xx-YY", |fake, cx| {
        let (address, size) = (fake.alloc(0u64), fake.alloc(0u64));
        for (kind, number, status) in [
            (9, 1, STATUS_INVALID_PARAMETER_1),
            (10, 1, STATUS_UNSUCCESSFUL),
            (11, 12345, STATUS_OBJECT_NAME_NOT_FOUND),
            (12, 3, STATUS_OBJECT_NAME_NOT_FOUND),
            (8, 0, STATUS_INVALID_PARAMETER_1),
        ] {
            assert_eq!(nt_get_nls_section_ptr(cx, kind, number, 0, address, size), Err(status), "{kind} {number}");
        }
    });
}

#[test]
fn defaults() {
    run("xx-YY", |fake, cx| {
        let (locale, language) = (fake.alloc(0u32), fake.alloc(0u16));
        for user in [false, true] {
            assert_eq!(nt_query_default_locale(cx, user, locale), Ok(STATUS_SUCCESS));
            assert_eq!(locale.read(cx.k), Ok(0xabc));
        }
        nt_set_default_locale(cx, true, 0x407).unwrap();
        nt_query_default_locale(cx, true, locale).unwrap();
        assert_eq!(locale.read(cx.k), Ok(0x407));
        nt_query_default_ui_language(cx, language).unwrap();
        assert_eq!(language.read(cx.k), Ok(0xabc));
        nt_set_default_ui_language(cx, 9).unwrap();
        nt_query_default_ui_language(cx, language).unwrap();
        assert_eq!(language.read(cx.k), Ok(9));
        nt_query_install_ui_language(cx, language).unwrap();
        assert_eq!(language.read(cx.k), Ok(0xabc));
    });
    run("qq-QQ", |fake, cx| {
        let locale = fake.alloc(0u32);
        nt_query_default_locale(cx, false, locale).unwrap();
        assert_eq!(locale.read(cx.k), Ok(ENGLISH), "a locale that nobody knows");
    });
}
