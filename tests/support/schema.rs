//! Checks JSON against the schemas of this repository: what of JSON Schema they use, and no more. A keyword that is not known here is an error, so
//! that none is passed over.

use serde_json::Value;

/// A schema.
#[derive(Debug)]
pub struct Schema {
    root: Value,
    /// Whether an object may have only what the schema names: tests want to know of what is not documented.
    closed: bool,
}

impl Schema {
    /// Reads one of the repository's.
    ///
    /// # Panics
    /// If it is none.
    pub fn of(path: &str, closed: bool) -> Self {
        let text = std::fs::read_to_string(crate::repository().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"));
        Schema { root: serde_json::from_str(&text).unwrap_or_else(|e| panic!("{path}: {e}")), closed }
    }

    /// What is wrong with a value; `definition`: by one of the schema's definitions.
    pub fn faults(&self, value: &Value, definition: Option<&str>) -> Vec<String> {
        let mut faults = Vec::new();
        let schema = definition.map_or(&self.root, |name| &self.root["$defs"][name]);
        assert!(schema.is_object(), "no definition {definition:?}");
        self.check(schema, value, "", &mut faults);
        faults
    }

    fn fits(&self, schema: &Value, value: &Value) -> bool {
        let mut faults = Vec::new();
        self.check(schema, value, "", &mut faults);
        faults.is_empty()
    }

    fn check(&self, schema: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
        let mut fault = |what: String| faults.push(format!("{at}: {what}: {value}"));
        let Some(keywords) = schema.as_object() else {
            assert_eq!(schema, &Value::Bool(true), "{at}: no schema");
            return;
        };
        let list = |of: &Value| of.as_array().unwrap_or_else(|| panic!("{at}: no list: {of}")).clone();
        let mut deeper: Vec<(Value, Value, String)> = Vec::new();
        for (keyword, of) in keywords {
            match keyword.as_str() {
                "$schema" | "$defs" | "title" | "description" | "default" | "format" => {}
                "$ref" => {
                    let name =
                        of.as_str().and_then(|name| name.strip_prefix("#/$defs/")).unwrap_or_else(|| panic!("{of}"));
                    deeper.push((self.root["$defs"][name].clone(), value.clone(), at.to_owned()));
                }
                "type" => {
                    let is = |name: &Value| match name.as_str() {
                        Some("null") => value.is_null(),
                        Some("boolean") => value.is_boolean(),
                        Some("integer") => value.is_u64() || value.is_i64(),
                        Some("number") => value.is_number(),
                        Some("string") => value.is_string(),
                        Some("array") => value.is_array(),
                        Some("object") => value.is_object(),
                        _ => panic!("{at}: type {name}"),
                    };
                    if !(if of.is_array() { list(of).iter().any(is) } else { is(of) }) {
                        fault(format!("is no {of}"));
                    }
                }
                "const" if of != value => fault(format!("is not {of}")),
                "const" => {}
                "enum" if !list(of).contains(value) => fault(format!("is none of {of}")),
                "enum" => {}
                "minimum" if value.as_f64().is_some_and(|value| value < of.as_f64().unwrap()) => {
                    fault(format!("is below {of}"))
                }
                "maximum" if value.as_f64().is_some_and(|value| value > of.as_f64().unwrap()) => {
                    fault(format!("is above {of}"))
                }
                "minimum" | "maximum" => {}
                "anyOf" if !list(of).iter().any(|one| self.fits(one, value)) => fault("fits none".into()),
                "anyOf" => {}
                "items" => {
                    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                        deeper.push((of.clone(), item.clone(), format!("{at}/{index}")));
                    }
                }
                "required" if value.is_object() => {
                    let missing =
                        list(of).into_iter().filter(|key| value.get(key.as_str().unwrap_or_default()).is_none());
                    missing.for_each(|key| fault(format!("lacks {key}")));
                }
                "required" => {}
                "properties" => {
                    for (key, item) in value.as_object().into_iter().flatten() {
                        match (of.get(key), keywords.get("additionalProperties")) {
                            (Some(schema), _) => deeper.push((schema.clone(), item.clone(), format!("{at}/{key}"))),
                            (None, Some(Value::Bool(false))) => fault(format!("has {key}")),
                            (None, None) if self.closed => fault(format!("has {key}, which is not documented")),
                            (None, _) => {}
                        }
                    }
                }
                "additionalProperties" if of.is_object() && keywords.get("properties").is_none() => {
                    for (key, item) in value.as_object().into_iter().flatten() {
                        deeper.push((of.clone(), item.clone(), format!("{at}/{key}")));
                    }
                }
                "additionalProperties" if of.is_boolean() => {}
                _ => panic!("{at}: this schema has the keyword {keyword}, which is not checked here"),
            }
        }
        for (schema, value, at) in deeper {
            self.check(&schema, &value, &at, faults);
        }
    }
}
