use super::*;

#[test]
fn both_forms_list_everything() {
    let value = as_json();
    assert_eq!(value["calls"].as_array().unwrap().len(), CALLS.len());
    assert_eq!(value["grants"].as_array().unwrap().len(), allowed());
    assert!(value["grants"].as_array().unwrap().iter().all(|grant| grant["rule"] != "answers ENOSYS"));
    let text = as_text();
    assert!(CALLS.iter().all(|call| text.contains(call.name)) && GRANTS.iter().all(|grant| text.contains(grant.name)));
}
