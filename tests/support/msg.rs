//! Messages made and read with a MessagePack library of its own, so that the library under test is
//! not its own judge.

use rmpv::Value;

/// A message: a MessagePack map in which the order of the fields is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Msg(pub Vec<(Value, Value)>);

impl Msg {
    pub fn new(kind: &str) -> Self {
        Self(vec![("type".into(), kind.into())])
    }

    /// The message with the field set, in place of the value it had.
    pub fn with(self, name: &str, value: impl Into<Value>) -> Self {
        let mut msg = self;
        let value = value.into();
        match msg.0.iter_mut().find(|(field, _)| field.as_str() == Some(name)) {
            Some((_, old)) => *old = value,
            None => msg.0.push((name.into(), value)),
        }
        msg
    }

    pub fn without(mut self, name: &str) -> Self {
        self.0.retain(|(field, _)| field.as_str() != Some(name));
        self
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(field, _)| field.as_str() == Some(name)).map(|(_, value)| value)
    }

    /// The field, which has to be there.
    pub fn field(&self, name: &str) -> &Value {
        self.get(name).unwrap_or_else(|| panic!("no {name:?} in {self:?}"))
    }

    pub fn kind(&self) -> &str {
        self.field("type").as_str().expect("the type is text")
    }

    /// The names of the fields, in alphabetical order.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> =
            self.0.iter().map(|(field, _)| field.as_str().expect("text")).collect();
        names.sort_unstable();
        names
    }

    pub fn encode(&self) -> Vec<u8> {
        encode(&Value::Map(self.0.clone()))
    }

    /// Reads exactly one map.
    pub fn decode(mut data: &[u8]) -> Self {
        match rmpv::decode::read_value(&mut data) {
            Ok(Value::Map(map)) if data.is_empty() => Self(map),
            other => panic!("not exactly one map: {other:?}"),
        }
    }
}

pub fn encode(value: &Value) -> Vec<u8> {
    let mut data = Vec::new();
    rmpv::encode::write_value(&mut data, value).unwrap();
    data
}

/// The value that is serialised here.
pub fn decode(mut data: &[u8]) -> Value {
    rmpv::decode::read_value(&mut data).unwrap()
}

pub fn bin(bytes: &[u8]) -> Value {
    Value::Binary(bytes.to_vec())
}

pub fn texts(values: &[&str]) -> Value {
    Value::Array(values.iter().map(|&value| value.into()).collect())
}

pub fn map(entries: &[(&str, Value)]) -> Value {
    Value::Map(entries.iter().map(|(name, value)| ((*name).into(), value.clone())).collect())
}

/// One value of each MessagePack type (and of each format, where a type has several).
pub fn every_type() -> Vec<(&'static str, Value)> {
    vec![
        ("nil", Value::Nil),
        ("false", false.into()),
        ("true", true.into()),
        ("positive fixint", 1.into()),
        ("u8", 200.into()),
        ("u16", 60_000.into()),
        ("u32", 4_000_000_000_u64.into()),
        ("u64", u64::MAX.into()),
        ("negative fixint", (-1).into()),
        ("i8", (-100).into()),
        ("i16", (-30_000).into()),
        ("i32", (-2_000_000_000).into()),
        ("i64", i64::MIN.into()),
        ("f32", Value::F32(1.5)),
        ("f64", Value::F64(-2.5)),
        ("fixstr", "text".into()),
        ("str8", "x".repeat(100).into()),
        ("str16", "x".repeat(300).into()),
        ("str32", "x".repeat(70_000).into()),
        ("bin8", bin(&[0, 1, 255])),
        ("bin16", bin(&[7; 300])),
        ("bin32", bin(&[7; 70_000])),
        ("fixarray", Value::Array(vec![Value::Nil, 1.into()])),
        ("array16", Value::Array(vec![1.into(); 20])),
        ("array32", Value::Array(vec![1.into(); 70_000])),
        ("fixmap", map(&[("a", 1.into())])),
        ("map with other keys", Value::Map(vec![(1.into(), Value::Nil)])),
        ("map16", Value::Map((0..20).map(|i| (i.into(), i.into())).collect())),
        ("fixext", Value::Ext(5, vec![1])),
        ("ext8", Value::Ext(-5, vec![1; 100])),
    ]
}
