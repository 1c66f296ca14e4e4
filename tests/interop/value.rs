//! MessagePack values as JSON that keeps their types, and what JavaScript makes of them.

use rmpv::Value;
use serde_json::{Value as Json, json};

use super::hex;

/// One value of every MessagePack type and width, and a nested one with all of them.
pub fn every_type() -> Vec<Value> {
    let mut values = vec![Value::Nil, Value::from(false), Value::from(true)];
    for number in
        [0_u64, 1, 127, 128, 255, 256, 65_535, 65_536, 2_147_483_647, 2_147_483_648, 4_294_967_295]
    {
        values.push(Value::from(number));
    }
    values.extend([1 << 32, 1 << 53, 1 << 63].map(|number: u64| Value::from(number)));
    for number in
        [-1, -32, -33, -128, -129, -32_768, -32_769, i64::from(i32::MIN), -2_147_483_649, i64::MIN]
    {
        values.push(Value::from(number));
    }
    values.extend([0.5, -1.25, f32::INFINITY].map(Value::F32));
    values.extend([0.1, -1e300, 5.0, f64::NEG_INFINITY].map(Value::F64));
    for length in [0, 31, 32, 255, 256, 65_535, 65_536] {
        values.push(Value::from("s".repeat(length)));
        values.push(Value::from(vec![0xa5_u8; length]));
    }
    // Characters of two, three and four bytes.
    values.push(Value::from("Grüße, ≤ 😀"));
    for length in [0, 15, 16, 70_000] {
        values.push(Value::Array(vec![Value::from(7); length]));
    }
    for length in [0, 15, 16, 300] {
        let entry = |i| (Value::from(format!("key {i}")), Value::from(i));
        values.push(Value::Map((0..length).map(entry).collect()));
    }
    // The long ones are left out of the nested value: it has to fit into one message.
    let short: Vec<Value> = values.iter().filter(|value| length(value) < 1000).cloned().collect();
    let names = (0..short.len()).map(|i| Value::from(format!("value {i}")));
    let nested = Value::Array(vec![Value::Map(names.zip(short.clone()).collect())]);
    values.push(nested);
    values
}

fn length(value: &Value) -> usize {
    match value {
        Value::String(text) => text.as_bytes().len(),
        Value::Binary(bytes) => bytes.len(),
        Value::Array(items) => items.len(),
        Value::Map(entries) => entries.len(),
        _ => 1,
    }
}

/// The typed JSON of a value, for a command.
pub fn to_json(value: &Value) -> Json {
    match value {
        Value::Nil => json!({ "t": "nil" }),
        Value::Boolean(value) => json!({ "t": "bool", "v": value }),
        Value::Integer(value) => {
            let exact = value.as_i64().is_some_and(|value| value.unsigned_abs() <= 1 << 53);
            json!({ "t": if exact { "int" } else { "int64" }, "v": value.to_string() })
        }
        Value::F32(value) => float_to_json(f64::from(*value)),
        Value::F64(value) => float_to_json(*value),
        Value::String(text) => json!({ "t": "str", "v": text.as_str().expect("UTF-8") }),
        Value::Binary(bytes) => json!({ "t": "bin", "v": hex::encode(bytes) }),
        Value::Array(items) => {
            json!({ "t": "array", "v": items.iter().map(to_json).collect::<Vec<_>>() })
        }
        Value::Map(entries) => {
            let entries = entries.iter().map(|(key, item)| json!([key.as_str(), to_json(item)]));
            json!({ "t": "map", "v": entries.collect::<Vec<_>>() })
        }
        Value::Ext(..) => panic!("the JavaScript peer has no extension types"),
    }
}

/// The value of an event's typed JSON, in canonical form.
pub fn from_json(json: &Json) -> Value {
    let value = &json["v"];
    let text = || value.as_str().unwrap_or_else(|| panic!("no string in {json}"));
    let items = || value.as_array().unwrap_or_else(|| panic!("no array in {json}"));
    canonical(&match json["t"].as_str() {
        Some("nil") => Value::Nil,
        Some("bool") => Value::Boolean(value.as_bool().expect("a boolean")),
        Some("int") => integral(text().parse().expect("a number")),
        Some("float") => {
            let bits = u64::from_str_radix(text(), 16).expect("hexadecimal digits");
            Value::F64(f64::from_bits(bits))
        }
        Some("str") => Value::from(text()),
        Some("bin") => Value::Binary(hex::decode(text())),
        Some("array") => Value::Array(items().iter().map(from_json).collect()),
        Some("map") => Value::Map(
            items()
                .iter()
                .map(|entry| (Value::from(entry[0].as_str().expect("a key")), from_json(&entry[1])))
                .collect(),
        ),
        _ => panic!("a value of an unexpected type: {json}"),
    })
}

/// The same value with the entries of maps in the order of their keys: JavaScript has its own order.
pub fn canonical(value: &Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.iter().map(canonical).collect()),
        Value::Map(entries) => {
            let mut entries: Vec<_> =
                entries.iter().map(|(key, item)| (key.clone(), canonical(item))).collect();
            entries.sort_by(|(a, _), (b, _)| a.as_str().cmp(&b.as_str()));
            Value::Map(entries)
        }
        value => value.clone(),
    }
}

/// What arrives when JavaScript receives `value`: every number is an f64, and an integral one is
/// reported as an integer.
pub fn as_javascript_sees(value: &Value) -> Value {
    map_numbers(value, &|number| {
        if number.fract() == 0.0 && number.is_finite() {
            integral(number)
        } else {
            Value::F64(number)
        }
    })
}

/// What arrives when JavaScript sends `value`: msgpack-lite writes an integer only if it fits into 32
/// signed bits, and other numbers as float 64. Integers that a JavaScript number cannot hold are sent as
/// 64-bit integers (see `int64` in README.md).
pub fn as_javascript_sends(value: &Value) -> Value {
    if let Value::Integer(number) = value
        && number.as_i64().is_none_or(|number| number.unsigned_abs() > 1 << 53)
    {
        return value.clone();
    }
    map_numbers_with(value, &as_javascript_sends, &|number| {
        if number.fract() == 0.0 && number >= f64::from(i32::MIN) && number <= f64::from(i32::MAX) {
            integral(number)
        } else {
            Value::F64(number)
        }
    })
}

fn map_numbers(value: &Value, number: &dyn Fn(f64) -> Value) -> Value {
    map_numbers_with(value, &|item| map_numbers(item, number), number)
}

/// Applies `number` to a number, and `item` to the items of an array or a map.
fn map_numbers_with(
    value: &Value,
    item: &dyn Fn(&Value) -> Value,
    number: &dyn Fn(f64) -> Value,
) -> Value {
    match value {
        Value::Integer(_) | Value::F64(_) => number(value.as_f64().expect("a number")),
        Value::F32(value) => number(f64::from(*value)),
        Value::Array(items) => Value::Array(items.iter().map(item).collect()),
        Value::Map(entries) => canonical(&Value::Map(
            entries.iter().map(|(key, value)| (key.clone(), item(value))).collect(),
        )),
        value => value.clone(),
    }
}

/// An integral number as an integer, if MessagePack has one of that size.
fn integral(number: f64) -> Value {
    let integer = number as i128;
    match (u64::try_from(integer), i64::try_from(integer)) {
        (Ok(value), _) => Value::from(value),
        (_, Ok(value)) => Value::from(value),
        _ => Value::F64(number),
    }
}

fn float_to_json(value: f64) -> Json {
    json!({ "t": "float", "v": hex::encode(&value.to_be_bytes()) })
}
