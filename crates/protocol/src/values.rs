//! The values that a field can hold: how each is read, written and documented.

use domain::{Fuso, InvalidValue, Kwh, Moment, Passo, RowId, TEXT_PATTERN, TokenPapel};
use utoipa::PartialSchema as _;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};

use crate::{Invalid, Scalar, Timestamp, shortened};

/// Makes types into values of fields. The texts and numbers of domain bring their limits along, and
/// enums declared by `words!` their words.
#[macro_export]
macro_rules! field_values {
    ($($kind:ident $name:ty),+) => {
        $($crate::field_values!(@ $kind $name);)+
    };
    (@ words $name:ty) => {
        $crate::field_values! {
            @ $name, |scalar| <$name>::parse(scalar.text("um texto")?)?,
            |value| Text(value.as_str().into()),
            $crate::words_schema(<$name>::ALL.iter().map(|value| value.as_str()))
        }
    };
    (@ text $name:ty) => {
        $crate::field_values! {
            @ $name, |scalar| <$name>::new(scalar.text("um texto")?)?,
            |value| Text(value.as_str().into()), $crate::values::text_schema(<$name>::MAX)
        }
    };
    (@ number $name:ty) => {
        $crate::field_values! {
            @ $name, |scalar| <$name>::new(scalar.number()?)?, |value| Number(value.get()),
            $crate::values::number_schema(<$name>::MIN, <$name>::EXCLUDES_MIN, <$name>::MAX)
        }
    };
    (@ $name:ty, |$scalar:ident| $read:expr, |$value:ident| $kind:ident($written:expr), $schema:expr
        $(, $component:literal)?) => {
        impl $crate::FieldValue for $name {
            $(const COMPONENT: Option<&'static str> = Some($component);)?

            fn from_scalar($scalar: $crate::Scalar<'_>) -> Result<Self, $crate::Invalid> {
                Ok($read)
            }

            fn to_scalar(&self) -> $crate::Scalar<'_> {
                let $value = self;
                $crate::Scalar::$kind($written)
            }

            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                $schema.into()
            }
        }
    };
}

field_values!(@ String, |scalar| scalar.text("um texto")?.to_owned(),
    |value| Text(value.into()), of_type(Type::String));
field_values!(@ bool, |scalar| scalar.flag()?, |value| Flag(*value), of_type(Type::Boolean));
field_values!(@ i64, |scalar| scalar.integer()?, |value| Integer(*value), integer_schema());
field_values!(@ RowId, |scalar| Self::new(scalar.integer()?)?, |value| Integer(value.get()),
    integer_schema().minimum(Some(Self::MIN)));
field_values!(@ Moment, |scalar| moment(&scalar)?,
    |value| Text(Timestamp::from(*value).to_string().into()), Timestamp::schema(), "Timestamp");
field_values!(number Kwh, words TokenPapel);
field_values!(@ Passo, |scalar| parse_quoting(scalar.text("um texto")?, Self::parse)?,
    |value| Text(value.as_str().into()), words_schema(Self::ALL.iter().map(|passo| passo.as_str())));
// In a query a plus sign that nobody has encoded stands for a blank.
field_values!(@ Fuso, |scalar| parse_quoting(&scalar.text("um texto")?.replacen(' ', "+", 1), Self::parse)?,
    |value| Text(value.to_string().into()), of_type(Type::String).pattern(Some(Self::PATTERN)));

/// Parses a text; the error quotes it.
fn parse_quoting<T>(text: &str, parse: fn(&str) -> Result<T, InvalidValue>) -> Result<T, Invalid> {
    parse(text).map_err(|error| Invalid(format!("{error}, mas veio {}", shortened(text))))
}

fn moment(scalar: &Scalar<'_>) -> Result<Moment, Invalid> {
    let text = scalar.text("uma data RFC 3339 com fuso")?;
    let place_of_sign = text.len().checked_sub("+00:00".len());
    // In a query a plus sign that nobody has encoded stands for a blank.
    let lost_sign = place_of_sign.filter(|place| {
        matches!(scalar, Scalar::Untyped(_)) && text.as_bytes().get(*place) == Some(&b' ')
    });
    let timestamp = match lost_sign {
        Some(place) => format!("{}+{}", &text[..place], &text[place + 1..]).parse::<Timestamp>(),
        None => text.parse(),
    };
    Ok(timestamp?.into())
}

pub(crate) fn of_type(schema_type: Type) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(schema_type)
}

pub(crate) fn text_schema(max: usize) -> ObjectBuilder {
    let text = of_type(Type::String).pattern(Some(TEXT_PATTERN));
    text.min_length(Some(1)).max_length(Some(max))
}

pub(crate) fn number_schema(min: f64, excludes_min: bool, max: f64) -> ObjectBuilder {
    let format = SchemaFormat::KnownFormat(KnownFormat::Double);
    let number = of_type(Type::Number).format(Some(format)).maximum(Some(max));
    if excludes_min { number.exclusive_minimum(Some(min)) } else { number.minimum(Some(min)) }
}

pub fn words_schema(words: impl IntoIterator<Item = &'static str>) -> ObjectBuilder {
    of_type(Type::String).enum_values(Some(words))
}

pub fn integer_schema() -> ObjectBuilder {
    let format = SchemaFormat::KnownFormat(KnownFormat::Int64);
    of_type(Type::Integer).format(Some(format))
}
