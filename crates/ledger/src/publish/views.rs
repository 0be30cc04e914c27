//! The views of a publication in SQL: tables with the names and values that reports have, amendments applied.

use super::{INTEGRATIONS, folder_of};
use std::fmt::Write;
use tollgate_domain::row::Field;
use tollgate_domain::{
    AMENDABLE, AuctionOutcome, Column, ColumnType, EventKind, KINDS_ALL, Number, Status, Text, TxId,
};

/// Whose SQL it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Engine {
    DuckDb,
    ClickHouse,
}

/// The digits of an id as text, five bits each.
const DIGITS: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

const DUCKDB: &str = "\
-- Run it in this folder, as in `duckdb -init views.duckdb.sql`, or SET file_search_path to this folder before: its paths
-- are relative. real_tx_id is made of the stored 16 bytes when it is asked for; looking rows up by it reads all of them.
";
const CLICKHOUSE: &str = "\
-- Run it in this folder with clickhouse-local or chdb, or with this folder below user_files_path: its paths are relative.
-- real_tx_id is made of the stored 16 bytes when it is asked for; looking rows up by it reads all of them.
";

/// The statements that make the views of a publication.
pub(super) fn of(engine: Engine, cut: u64) -> String {
    let mut sql =
        format!("-- The history of Tollgate up to seq {cut}, as reports with as_of={cut} have it.\n");
    sql += match engine {
        Engine::DuckDb => DUCKDB,
        Engine::ClickHouse => CLICKHOUSE,
    };
    if engine == Engine::DuckDb {
        let _ = write!(sql, "\nCREATE OR REPLACE MACRO tollgate_id(id) AS {};\n", duckdb_id("id"));
    }
    let _ = write!(sql, "\nCREATE OR REPLACE VIEW integrations AS SELECT * FROM {};\n", integrations(engine));
    for kind in KINDS_ALL {
        let _ = write!(sql, "\n{}", view(engine, *kind));
    }
    sql
}

/// A kind's view.
fn view(engine: Engine, kind: EventKind) -> String {
    let amendable: Vec<Column> =
        AMENDABLE.iter().copied().filter(|column| column.kinds().contains(&kind)).collect();
    let newest = amendable.iter().map(|column| newest(engine, *column));
    let newest = newest.collect::<Vec<_>>().join(",\n    ");
    let mut columns: Vec<String> = Field::of_kind(kind).map(|field| column(engine, kind, field)).collect();
    let money = |field: &Field| match field {
        Field::Stored(column) if column.column_type() == ColumnType::Money => Some(*column),
        _ => None,
    };
    for column in Field::of_kind(kind).filter_map(|field| money(&field)) {
        columns.push(format!("{} AS {}_micros", stored(column), column.name()));
    }
    columns.push("e.seq AS seq".to_owned());
    format!(
        "CREATE OR REPLACE VIEW {}s AS\nWITH amended AS (\n  SELECT m.integration_id AS integration_id, \
         m.real_tx_id AS real_tx_id,\n    {newest}\n  FROM {} AS m\n  GROUP BY m.integration_id, m.real_tx_id\n)\n\
         SELECT\n  {}\nFROM {} AS e\n\
         LEFT JOIN amended AS a ON a.integration_id = e.integration_id AND a.real_tx_id = e.real_tx_id\n\
         LEFT JOIN {} AS i ON i.integration_id = e.integration_id;\n",
        kind.name(),
        files(engine, kind, true),
        columns.join(",\n  "),
        files(engine, kind, false),
        integrations(engine),
    )
}

/// The newest value that amendments set, if any does.
fn newest(engine: Engine, column: Column) -> String {
    let name = column.name();
    match engine {
        Engine::DuckDb => {
            format!("arg_max(m.{name}, m.seq) FILTER (WHERE m.{name} IS NOT NULL) AS amended_{name}")
        }
        Engine::ClickHouse => format!("argMaxIf(m.{name}, m.seq, m.{name} IS NOT NULL) AS amended_{name}"),
    }
}

/// The value of a column with its amendments.
fn stored(column: Column) -> String {
    let name = column.name();
    if AMENDABLE.contains(&column) {
        format!("coalesce(a.amended_{name}, e.{name})")
    } else {
        format!("e.{name}")
    }
}

/// A field as reports have it.
fn column(engine: Engine, kind: EventKind, field: Field) -> String {
    let id = match engine {
        Engine::DuckDb => "tollgate_id(e.real_tx_id)".to_owned(),
        Engine::ClickHouse => clickhouse_id("e.real_tx_id"),
    };
    let value = match field {
        Field::RealTxId => id,
        Field::TxId => format!("coalesce(e.{}, {id})", Text::ExternalTransactionId.name()),
        Field::IntegrationId => "e.integration_id".to_owned(),
        Field::Organization => "i.organization".to_owned(),
        Field::Kind => format!("'{}'", kind.name()),
        Field::Rejection => first(engine, &stored(Column::Text(Text::Rejections))),
        Field::Stored(column) => value(engine, column),
    };
    format!("{value} AS {}", field.name())
}

/// The first of a JSON array of text.
fn first(engine: Engine, json: &str) -> String {
    match engine {
        Engine::DuckDb => format!("json_extract_string({json}, '$[0]')"),
        Engine::ClickHouse => format!("nullIf(JSONExtractString({json}, 1), '')"),
    }
}

fn value(engine: Engine, column: Column) -> String {
    let value = stored(column);
    let coded = |codes: &[(i64, &str)]| {
        let when = codes.iter().map(|(number, name)| format!(" WHEN {number} THEN '{name}'"));
        format!("CASE {value}{} END", when.collect::<String>())
    };
    match (column, column.column_type()) {
        (Column::Number(Number::Status), _) => {
            coded(&[Status::Approved, Status::Rejected].map(|status| (status as i64, status.name())))
        }
        (Column::Number(Number::RtbOutcome), _) => {
            let outcomes = AuctionOutcome::ALL.iter().map(|outcome| (outcome.number(), outcome.code()));
            coded(&outcomes.collect::<Vec<_>>())
        }
        (Column::Text(Text::ExtraParameters), _) => format!("coalesce({value}, '{{}}')"),
        (_, ColumnType::Json) => format!("coalesce({value}, '[]')"),
        (_, ColumnType::Money) => match engine {
            Engine::DuckDb => format!("CAST({value} * CAST(0.000001 AS DECIMAL(7, 6)) AS DECIMAL(19, 6))"),
            Engine::ClickHouse => {
                format!("CAST(toDecimal128({value}, 6) / 1000000 AS Nullable(Decimal(19, 6)))")
            }
        },
        _ => value,
    }
}

/// A kind's events, or amendments of them.
fn files(engine: Engine, kind: EventKind, amendments: bool) -> String {
    let paths = format!("{}/*.parquet", folder_of(kind, amendments));
    if engine == Engine::DuckDb {
        return format!("read_parquet('{paths}', union_by_name = true)");
    }
    let mut columns = "integration_id String, real_tx_id FixedString(16), seq UInt64".to_owned();
    for column in Column::all().filter(|column| column.kinds().contains(&kind)) {
        let of = match column.column_type() {
            ColumnType::Text | ColumnType::Json => "String",
            ColumnType::Time => "DateTime64(3, ''UTC'')",
            ColumnType::Money | ColumnType::Integer => "Int64",
            ColumnType::Boolean => "Bool",
        };
        let _ = write!(columns, ", {} Nullable({of})", column.name());
    }
    format!("file('{paths}', 'Parquet', '{columns}')")
}

fn integrations(engine: Engine) -> String {
    match engine {
        Engine::DuckDb => format!("read_parquet('{INTEGRATIONS}/*.parquet')"),
        Engine::ClickHouse => format!(
            "file('{INTEGRATIONS}/*.parquet', 'Parquet', 'integration_id String, organization String, name String, \
             time_zone String')"
        ),
    }
}

/// An id's text, in SQL that every version has: digit by digit.
fn duckdb_id(id: &str) -> String {
    let digit = |n: usize| {
        let shift = 5 * (TxId::LENGTH - 1 - n);
        format!(
            "substr('{DIGITS}', 1 + CAST(CAST(CAST({id} AS BIT) AS UHUGEINT) >> {shift} & 31 AS INTEGER), 1)"
        )
    };
    (0..TxId::LENGTH).map(digit).collect::<Vec<_>>().join(" ||\n  ")
}

fn clickhouse_id(id: &str) -> String {
    let last = TxId::LENGTH - 1;
    format!(
        "arrayStringConcat(arrayMap(n -> substring('{DIGITS}', 1 + toUInt8(bitAnd(bitShiftRight(\
         reinterpretAsUInt128(reverse({id})), 5 * n), 31)), 1), range({last}, -1, -1)))"
    )
}
