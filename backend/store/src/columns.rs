//! Many rows in one statement: arrays unnested on PostgreSQL, one JSON text unpacked on SQLite.
//!
//! The statement's text does not depend on how many rows there are, so it is prepared once.

use sea_orm::Value;
use sea_orm::sea_query::ArrayType;
use serde_json::Value as Json;
use uuid::Uuid;

use crate::database::Engine;

/// Rows given column by column, all of the same length.
#[derive(Default)]
pub(crate) struct Columns {
    columns: Vec<Column>,
}

struct Column {
    name: &'static str,
    kind: Kind,
    values: Vec<Value>,
}

#[derive(Clone, Copy)]
enum Kind {
    Uuid,
    Bytes,
    BigInt,
    Int,
    Text,
    /// A nil UUID stands for none, since arrays are sent without nulls.
    MaybeUuid,
    /// An empty text stands for none, since arrays are sent without nulls.
    MaybeText,
}

const NO_UUID: Uuid = Uuid::nil();

impl Columns {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn uuid(self, name: &'static str, values: impl IntoIterator<Item = Uuid>) -> Self {
        self.with(name, Kind::Uuid, values.into_iter().map(Value::from).collect())
    }

    pub(crate) fn maybe_uuid(
        self,
        name: &'static str,
        values: impl IntoIterator<Item = Option<Uuid>>,
    ) -> Self {
        let values = values.into_iter().map(|id| Value::from(id.unwrap_or(NO_UUID))).collect();
        self.with(name, Kind::MaybeUuid, values)
    }

    pub(crate) fn bytes(self, name: &'static str, values: impl IntoIterator<Item = Vec<u8>>) -> Self {
        self.with(name, Kind::Bytes, values.into_iter().map(Value::from).collect())
    }

    pub(crate) fn bigint(self, name: &'static str, values: impl IntoIterator<Item = i64>) -> Self {
        self.with(name, Kind::BigInt, values.into_iter().map(Value::from).collect())
    }

    pub(crate) fn int(self, name: &'static str, values: impl IntoIterator<Item = i32>) -> Self {
        self.with(name, Kind::Int, values.into_iter().map(Value::from).collect())
    }

    pub(crate) fn text(self, name: &'static str, values: impl IntoIterator<Item = String>) -> Self {
        self.with(name, Kind::Text, values.into_iter().map(Value::from).collect())
    }

    pub(crate) fn maybe_text(
        self,
        name: &'static str,
        values: impl IntoIterator<Item = Option<String>>,
    ) -> Self {
        let values = values.into_iter().map(|text| Value::from(text.unwrap_or_default())).collect();
        self.with(name, Kind::MaybeText, values)
    }

    fn with(mut self, name: &'static str, kind: Kind, values: Vec<Value>) -> Self {
        self.columns.push(Column { name, kind, values });
        self
    }

    /// A table expression called `r` for a FROM clause, and the parameters it uses from `$1` on.
    pub(crate) fn table(self, engine: Engine) -> (String, Vec<Value>) {
        match engine {
            Engine::Postgres => self.unnested(0),
            Engine::Sqlite => self.unpacked(),
        }
    }

    /// The same on PostgreSQL, with parameters after so many others.
    pub(crate) fn unnested(self, others: usize) -> (String, Vec<Value>) {
        let names: Vec<&str> = self.columns.iter().map(|column| column.name).collect();
        let arrays: Vec<String> = self
            .columns
            .iter()
            .enumerate()
            .map(|(index, column)| {
                let parameter = others.saturating_add(index).saturating_add(1);
                format!("${parameter}::{}[]", column.kind.postgres())
            })
            .collect();
        let fields: Vec<String> = self.columns.iter().map(Column::postgres_field).collect();
        let table = format!(
            "(SELECT {} FROM UNNEST({}) AS u({})) AS r",
            fields.join(", "),
            arrays.join(", "),
            names.join(", ")
        );
        let values = self
            .columns
            .into_iter()
            .map(|column| Value::Array(column.kind.array_type(), Some(Box::new(column.values))))
            .collect();
        (table, values)
    }

    fn unpacked(self) -> (String, Vec<Value>) {
        let fields: Vec<String> = self
            .columns
            .iter()
            .enumerate()
            .map(|(index, column)| {
                let (field, name) = (format!("value->>{index}"), column.name);
                match column.kind {
                    Kind::Uuid | Kind::Bytes => format!("unhex({field}) AS {name}"),
                    Kind::BigInt | Kind::Int | Kind::Text => format!("{field} AS {name}"),
                    Kind::MaybeUuid => format!("NULLIF(unhex({field}), zeroblob(16)) AS {name}"),
                    Kind::MaybeText => format!("NULLIF({field}, '') AS {name}"),
                }
            })
            .collect();
        let table = format!("(SELECT {} FROM json_each($1)) AS r", fields.join(", "));
        let mut columns: Vec<_> = self.columns.into_iter().map(|column| column.values.into_iter()).collect();
        let length = columns.first().map_or(0, ExactSizeIterator::len);
        let rows: Vec<Json> = (0..length)
            .map(|_| Json::Array(columns.iter_mut().map(|values| json(values.next())).collect()))
            .collect();
        (table, vec![Value::from(Json::Array(rows).to_string())])
    }
}

impl Column {
    fn postgres_field(&self) -> String {
        let name = self.name;
        match self.kind {
            Kind::Uuid | Kind::Bytes | Kind::BigInt | Kind::Int | Kind::Text => name.to_owned(),
            Kind::MaybeUuid => format!("NULLIF({name}, '{NO_UUID}'::uuid) AS {name}"),
            Kind::MaybeText => format!("NULLIF({name}, '') AS {name}"),
        }
    }
}

impl Kind {
    fn postgres(self) -> &'static str {
        match self {
            Self::Uuid | Self::MaybeUuid => "uuid",
            Self::Bytes => "bytea",
            Self::BigInt => "bigint",
            Self::Int => "int",
            Self::Text | Self::MaybeText => "text",
        }
    }

    fn array_type(self) -> ArrayType {
        match self {
            Self::Uuid | Self::MaybeUuid => ArrayType::Uuid,
            Self::Bytes => ArrayType::Bytes,
            Self::BigInt => ArrayType::BigInt,
            Self::Int => ArrayType::Int,
            Self::Text | Self::MaybeText => ArrayType::String,
        }
    }
}

fn hex_digit(half: u8) -> char {
    char::from_digit(u32::from(half), 16).unwrap_or('0')
}

fn json(value: Option<Value>) -> Json {
    match value {
        Some(Value::Uuid(Some(id))) => Json::String(id.simple().to_string().to_uppercase()),
        Some(Value::Bytes(Some(bytes))) => {
            Json::String(bytes.iter().flat_map(|byte| [hex_digit(byte >> 4), hex_digit(byte & 15)]).collect())
        }
        Some(Value::BigInt(Some(number))) => Json::from(number),
        Some(Value::Int(Some(number))) => Json::from(number),
        Some(Value::String(Some(text))) => Json::String(text),
        _ => Json::Null,
    }
}
