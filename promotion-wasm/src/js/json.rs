//! Reads what `JSON.stringify` wrote: small, because a browser downloads it, and with errors that say where in the value.
//!
//! A reader for everything that JSON can be, such as `serde_json`'s, is several times as large: it reads numbers with fractions,
//! which no argument has, and arrays in the place of objects.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{
    Deserialize, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Expected, MapAccess, SeqAccess,
    Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use serde::ser::{Serialize, Serializer};

/// How deep values nest: deeper than any argument, and shallow enough for the stack.
const DEPTH: usize = 128;

/// Why a value is not what was asked for.
#[derive(Debug)]
pub(crate) struct Unreadable {
    /// Outermost last.
    path: Vec<String>,
    reason: String,
}

/// Reads a value.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, Unreadable> {
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(DEPTH)?;
    T::deserialize(&value)
}

/// A value as it was read.
enum Json<'t> {
    Null,
    Bool(bool),
    /// Of which those with fractions and signs are of no use here.
    Number(Option<u64>),
    Text(Cow<'t, str>),
    List(Vec<Self>),
    Object(Vec<(Cow<'t, str>, Self)>),
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    fn eat(&mut self, token: &str) -> bool {
        let found = self.text[self.at..].starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn value(&mut self, depth: usize) -> Result<Json<'t>, Unreadable> {
        if depth == 0 {
            return Err(Unreadable::new("it nests too deeply"));
        }
        if self.eat("null") {
            Ok(Json::Null)
        } else if self.eat("true") {
            Ok(Json::Bool(true))
        } else if self.eat("false") {
            Ok(Json::Bool(false))
        } else if self.eat("\"") {
            self.string().map(Json::Text)
        } else if self.eat("[") {
            let mut list = Vec::new();
            while !self.eat("]") {
                list.push(self.value(depth - 1)?);
                self.eat(",");
            }
            Ok(Json::List(list))
        } else if self.eat("{") {
            let mut object = Vec::new();
            while !self.eat("}") {
                if !self.eat("\"") {
                    return Err(malformed());
                }
                let key = self.string()?;
                self.eat(":");
                object.push((key, self.value(depth - 1)?));
                self.eat(",");
            }
            Ok(Json::Object(object))
        } else {
            let rest = &self.text[self.at..];
            let length = rest.find([',', ']', '}']).unwrap_or(rest.len());
            if length == 0 {
                return Err(malformed());
            }
            self.at += length;
            Ok(Json::Number(rest[..length].parse().ok()))
        }
    }

    /// What stands behind an opening quote, up to the closing one.
    fn string(&mut self) -> Result<Cow<'t, str>, Unreadable> {
        let mut whole: Cow<'t, str> = Cow::Borrowed("");
        loop {
            let rest = &self.text[self.at..];
            let length = rest.find(['"', '\\']).ok_or_else(malformed)?;
            self.at += length + 1;
            whole += &rest[..length];
            if rest.as_bytes()[length] == b'"' {
                return Ok(whole);
            }
            whole.to_mut().push(self.escaped()?);
        }
    }

    fn escaped(&mut self) -> Result<char, Unreadable> {
        let escape = self.text[self.at..].chars().next().ok_or_else(malformed)?;
        self.at += escape.len_utf8();
        Ok(match escape {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'u' => {
                let digits = self.text.get(self.at..self.at + 4).ok_or_else(malformed)?;
                self.at += 4;
                // JavaScript escapes halves of characters only where their other half is missing.
                let code = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32);
                code.ok_or_else(|| Unreadable::new("half a character"))?
            }
            itself => itself,
        })
    }
}

fn malformed() -> Unreadable {
    Unreadable::new("no JSON")
}

impl<'de> Deserializer<'de> for &'de Json<'_> {
    type Error = Unreadable;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match self {
            Json::Null => visitor.visit_unit(),
            Json::Bool(value) => visitor.visit_bool(*value),
            Json::Number(Some(value)) => visitor.visit_u64(*value),
            Json::Number(None) => Err(Unreadable::expected(&visitor)),
            Json::Text(value) => visitor.visit_str(value),
            Json::List(values) => visitor.visit_seq(Values(values)),
            Json::Object(members) => visitor.visit_map(Members(members)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        if matches!(self, Json::Null) { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        let kind = |members: &'de [(Cow<'_, str>, Json<'_>)]| members.iter().find(|(key, _)| key == "kind");
        match self {
            Json::Text(name) => visitor.visit_enum(Kind(name, &Json::Null)),
            Json::Object(members) => match kind(members) {
                Some((_, Json::Text(name))) => visitor.visit_enum(Kind(name, self)),
                _ => Err(Unreadable::new("missing field `kind`")),
            },
            _ => Err(Unreadable::expected(&visitor)),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        let Json::Text(value) = self else { return Err(Unreadable::expected(&visitor)) };
        visitor.visit_str(value)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        self.deserialize_str(visitor)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        let Json::Number(Some(value)) = self else { return Err(Unreadable::expected(&visitor)) };
        visitor.visit_u64(*value)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        let Json::Bool(value) = self else { return Err(Unreadable::expected(&visitor)) };
        visitor.visit_bool(*value)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        let Json::List(values) = self else { return Err(Unreadable::expected(&visitor)) };
        visitor.visit_seq(Values(values))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Unreadable> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        let Json::Object(members) = self else { return Err(Unreadable::expected(&visitor)) };
        visitor.visit_map(Members(members))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        self.deserialize_map(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 u8 u16 u32 f32 f64 char bytes byte_buf unit unit_struct tuple_struct
    }
}

/// An object whose keys are values, in its order. A map would be sorted, and is a lot of code.
#[derive(Debug)]
pub(crate) struct Pairs<K, V>(pub(crate) Vec<(K, V)>);

impl<K, V> Default for Pairs<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, K: Deserialize<'de>, V: Deserialize<'de>> Deserialize<'de> for Pairs<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor(PhantomData))
    }
}

struct PairsVisitor<K, V>(PhantomData<(K, V)>);

impl<'de, K: Deserialize<'de>, V: Deserialize<'de>> Visitor<'de> for PairsVisitor<K, V> {
    type Value = Pairs<K, V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Pairs<K, V>, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = object.next_entry()? {
            pairs.push(pair);
        }
        Ok(Pairs(pairs))
    }
}

impl<K: Serialize, V: Serialize> Serialize for Pairs<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

/// An enum whose variant is the member `kind`, beside those of the variant.
struct Kind<'de, 't>(&'de str, &'de Json<'t>);

impl<'de> EnumAccess<'de> for Kind<'de, '_> {
    type Error = Unreadable;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Unreadable> {
        seed.deserialize(Key(self.0)).map(|variant| (variant, self))
    }
}

impl<'de> VariantAccess<'de> for Kind<'de, '_> {
    type Error = Unreadable;

    fn unit_variant(self) -> Result<(), Unreadable> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Unreadable> {
        seed.deserialize(self.1)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Unreadable> {
        self.1.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Unreadable> {
        self.1.deserialize_map(visitor)
    }
}

struct Values<'de, 't>(&'de [Json<'t>]);

impl<'de> SeqAccess<'de> for Values<'de, '_> {
    type Error = Unreadable;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Unreadable> {
        let Some((next, rest)) = self.0.split_first() else { return Ok(None) };
        self.0 = rest;
        seed.deserialize(next).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

/// What is left of an object; the value of the first member is read after its key.
struct Members<'de, 't>(&'de [(Cow<'t, str>, Json<'t>)]);

impl<'de> MapAccess<'de> for Members<'de, '_> {
    type Error = Unreadable;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Unreadable> {
        let Some(((key, _), _)) = self.0.split_first() else { return Ok(None) };
        seed.deserialize(Key(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Unreadable> {
        let Some(((key, value), rest)) = self.0.split_first() else { return Err(malformed()) };
        self.0 = rest;
        seed.deserialize(value).map_err(|error| error.within(key))
    }
}

struct Key<'de>(&'de str);

impl<'de> Deserializer<'de> for Key<'de> {
    type Error = Unreadable;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_str(self.0)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct seq
        tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl Unreadable {
    fn new(reason: &str) -> Self {
        Self { path: Vec::new(), reason: reason.to_owned() }
    }

    fn expected(expected: &dyn Expected) -> Self {
        Self { path: Vec::new(), reason: format!("expected {expected}") }
    }

    fn within(mut self, key: &str) -> Self {
        self.path.push(key.to_owned());
        self
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, key) in self.path.iter().rev().enumerate() {
            f.write_str(if depth == 0 { "" } else { "." })?;
            f.write_str(key)?;
        }
        f.write_str(if self.path.is_empty() { "" } else { ": " })?;
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Unreadable {}

impl serde::de::Error for Unreadable {
    fn custom<T: fmt::Display>(reason: T) -> Self {
        Self { path: Vec::new(), reason: reason.to_string() }
    }

    // What it is instead, the caller knows.
    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::expected(expected)
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::expected(expected)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use promotion_core::policy::Spec;
    use serde::de::DeserializeOwned;

    use super::{Pairs, read};

    /// What the large reader makes of the same text.
    fn agrees<T: DeserializeOwned + PartialEq + std::fmt::Debug>(text: &str) {
        assert_eq!(read::<T>(text).ok(), serde_json::from_str(text).ok(), "{text}");
    }

    #[test]
    fn it_reads_what_the_large_reader_reads() {
        for text in
            ["[]", r#"["a","\"\\\/\b\f\n\r\t\u00e9 é\u0000"]"#, r#"["\ud800"]"#, "[1]", "{}", "null", r#"["a"#, "["]
        {
            agrees::<Vec<String>>(text);
        }
        for text in ["0", "18446744073709551615", "18446744073709551616", "-1", "1.5", "1e3", "true", "\"1\"", ""] {
            agrees::<u64>(text);
        }
        for text in ["null", "true", "false", "0"] {
            agrees::<Option<bool>>(text);
        }
        agrees::<BTreeMap<String, Vec<(u64, bool)>>>(r#"{"a":[[1,true]],"b":[]}"#);
        let spec = serde_json::to_string(&Spec::default()).unwrap();
        agrees::<Spec>(&spec);
        for text in
            [r#"{"stages":[{"name":"x","source":"tape"}]}"#, r#"{"typo":1}"#, r#"{"versions":{"bump":"minor"}}"#]
        {
            agrees::<Spec>(text);
        }
    }

    #[test]
    fn errors_say_where() {
        let error = |text| read::<Spec>(text).unwrap_err().to_string();
        assert_eq!(error(r#"{"versions":{"label":7}}"#), "versions.label: expected a string");
        assert!(
            error(r#"{"tags":{"shrt":7}}"#).starts_with("tags: unknown field `shrt`, expected `commit` or `short`")
        );
        assert_eq!(error(&"[".repeat(200)), "it nests too deeply");
    }

    #[test]
    fn pairs_keep_their_order() {
        let Pairs(pairs) = read::<Pairs<String, u64>>(r#"{"b":1,"a":2}"#).unwrap();
        assert_eq!(pairs, [("b".to_owned(), 1), ("a".to_owned(), 2)]);
        assert_eq!(serde_json::to_string(&Pairs(pairs)).unwrap(), r#"{"b":1,"a":2}"#);
    }
}
