//! The columns of a ticket, named once: reading a row, writing a new one, what a change replaced, and putting that back.

use super::{Kind, Method, Mode, Priority, Proposal, Sealed, State, Ticket, Unreasonable, Verification};
use crate::error::{Error, Result};
use serde_json::Value as Json;
use sqlx::{Row, any::AnyRow};

/// A value as it stands in a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// A whole number; truth is 0 or 1.
    Int(Option<i64>),
    /// Text; names of enums, JSON.
    Text(Option<String>),
}

impl Cell {
    /// Nothing?
    pub fn is_null(&self) -> bool {
        matches!(self, Cell::Int(None) | Cell::Text(None))
    }

    fn json(&self) -> Json {
        match self {
            Cell::Int(value) => value.map_or(Json::Null, Json::from),
            Cell::Text(value) => value.clone().map_or(Json::Null, Json::from),
        }
    }
}

/// A field that fits into one cell.
trait Column: Sized {
    /// Kept as a number?
    const INT: bool;
    fn to_cell(&self) -> Cell;
    fn from_cell(cell: Cell) -> Option<Self>;
}

macro_rules! int {
    ($($type:ty: $to:expr, $from:expr;)+) => {$(
        impl Column for $type {
            const INT: bool = true;
            fn to_cell(&self) -> Cell {
                let to: fn(&$type) -> Option<i64> = $to;
                Cell::Int(to(self))
            }
            fn from_cell(cell: Cell) -> Option<Self> {
                let from: fn(Option<i64>) -> Option<$type> = $from;
                match cell { Cell::Int(value) => from(value), Cell::Text(_) => None }
            }
        }
    )+};
}

macro_rules! text {
    ($($type:ty: $to:expr, $from:expr;)+) => {$(
        impl Column for $type {
            const INT: bool = false;
            fn to_cell(&self) -> Cell {
                let to: fn(&$type) -> Option<String> = $to;
                Cell::Text(to(self))
            }
            fn from_cell(cell: Cell) -> Option<Self> {
                let from: fn(Option<String>) -> Option<$type> = $from;
                match cell { Cell::Text(value) => from(value), Cell::Int(_) => None }
            }
        }
    )+};
}

int! {
    i64: |value| Some(*value), |value| value;
    Option<i64>: |value| *value, Some;
    bool: |value| Some(i64::from(*value)), |value| value.map(|value| value != 0);
    Sealed: |value| Some(match value { Sealed::Open => 0, Sealed::Area => 1, Sealed::Above => 2 }),
        |value| match value { Some(0) => Some(Sealed::Open), Some(1) => Some(Sealed::Area), Some(2) => Some(Sealed::Above), _ => None };
}

/// A name that this program does not know is an error where one must be, and nothing where none need be.
macro_rules! names {
    ($($type:ident)+) => { text! { $($type: |value| Some(value.code().to_owned()), |value| value.as_deref().and_then($type::from_code);)+ } };
}
macro_rules! optional_names {
    ($($type:ident)+) => {
        text! { $(Option<$type>: |value| value.map(|value| value.code().to_owned()), |value| Some(value.as_deref().and_then($type::from_code));)+ }
    };
}

names! { Kind Mode Priority State }
optional_names! { Method Verification Unreasonable }
text! {
    String: |value| Some(value.clone()), |value| value;
    Option<String>: |value| value.clone(), Some;
    Option<Proposal>: |value| value.as_ref().and_then(|value| serde_json::to_string(value).ok()),
        |value| Some(value.and_then(|value| serde_json::from_str(&value).ok()));
}

fn column<T: Column>(row: &AnyRow, name: &'static str) -> Result<T> {
    let cell = if T::INT { Cell::Int(row.try_get(name)?) } else { Cell::Text(row.try_get(name)?) };
    T::from_cell(cell).ok_or_else(|| Error::fault(format!("ticket.{name} holds what this program does not know")))
}

macro_rules! ticket {
    (fixed { $($fixed:ident $fixed_name:literal,)+ } changing { $($field:ident $name:literal,)+ }) => {
        /// All columns that a ticket is read from, `id` first; the helping units come as one text. A
        /// unit that helped and became the lead keeps its row, but does not help itself.
        pub const COLUMNS: &str = concat!(
            $($fixed_name, ", ",)+ $($name, ", ",)+
            "(SELECT string_agg(unit, ',' ORDER BY unit) FROM co_unit WHERE ticket_id = ticket.id ",
            "AND (ticket.lead_unit IS NULL OR unit <> ticket.lead_unit)) AS co_units"
        );

        /// A ticket of a row.
        pub fn read(row: &AnyRow) -> Result<Ticket> {
            let co_units: Option<String> = row.try_get("co_units")?;
            Ok(Ticket {
                $($fixed: column(row, $fixed_name)?,)+
                $($field: column(row, $name)?,)+
                co_units: co_units.iter().flat_map(|units| units.split(',')).map(str::to_owned).collect(),
            })
        }

        /// What a new ticket's row holds, empty columns left out.
        pub fn filled(ticket: &Ticket) -> Vec<(&'static str, Cell)> {
            all(ticket).into_iter().filter(|(_, cell)| !cell.is_null()).collect()
        }

        /// All columns with what a ticket has in them.
        pub fn all(ticket: &Ticket) -> Vec<(&'static str, Cell)> {
            vec![$(($fixed_name, ticket.$fixed.to_cell()),)+ $(($name, ticket.$field.to_cell()),)+]
        }

        /// The names of all columns, in this order.
        pub fn names() -> Vec<&'static str> {
            vec![$($fixed_name,)+ $($name,)+]
        }

        /// The columns in which two states of a ticket differ, with the value before and after.
        pub fn changed(before: &Ticket, after: &Ticket) -> Vec<(&'static str, Cell, Cell)> {
            let mut changed = Vec::new();
            $(if before.$field != after.$field {
                changed.push(($name, before.$field.to_cell(), after.$field.to_cell()));
            })+
            changed
        }

        /// Puts a value back that a change replaced.
        fn put_back(ticket: &mut Ticket, name: &str, value: Json) -> Option<()> {
            match name {
                $($name => ticket.$field = from_json(value)?,)+
                _ => return None,
            }
            Some(())
        }
    };
}

ticket! {
    fixed {
        id "id", number "number", day "day", seq "seq", source "source", on_behalf "on_behalf", submitted_at "submitted_at",
        split_from "split_from",
    }
    changing {
        kind "kind", field "field_id", title "title", text "text", original "original", area "area_code", place "place_text", mode "identity_mode",
        priority "priority", state "state", round "round", unit "lead_unit", handler "handler_id", accept_due "accept_due_at",
        dispatch_due "dispatch_due_at", sign_due "sign_due_at", contact_due "contact_due_at", resolve_due "resolve_due_at",
        dispatched_at "dispatched_at", first_contact_at "first_contact_at", resolved_at "resolved_at", closed_at "closed_at",
        signed_off "signed_off", result "result", verification "verification", method "method", asks "asks",
        send_backs "send_backs", reopens "reopens", urges "urges", urged_at "urged_at", sealed "sealed", subject "subject_unit",
        extension_days "extension_days", extensions "extensions", extended_days "extended_days", supervised "supervised",
        shelved_until "shelved_until", time_left "time_left", merged_into "merged_into", arbitrated "arbitrated",
        appealed "appealed", restored "restored", relapse "relapse", unreasonable "unreasonable", verified_at "verified_at",
        struck_off_at "struck_off_at", given_to "given_to", handed_to "handed_to", proposal "proposal", version "version",
        events "events",
    }
}

fn from_json<T: Column>(value: Json) -> Option<T> {
    T::from_cell(match (T::INT, value) {
        (true, Json::Null) => Cell::Int(None),
        (true, Json::Number(number)) => Cell::Int(Some(number.as_i64()?)),
        (false, Json::Null) => Cell::Text(None),
        (false, Json::String(text)) => Cell::Text(Some(text)),
        _ => return None,
    })
}

/// What a change replaced, as JSON by column; the counters of the row itself are left out.
pub fn replaced(changed: &[(&'static str, Cell, Cell)]) -> Option<String> {
    let kept: serde_json::Map<String, Json> = changed
        .iter()
        .filter(|(name, ..)| !matches!(*name, "version" | "events"))
        .map(|(name, before, _)| ((*name).to_owned(), before.json()))
        .collect();
    (!kept.is_empty()).then(|| Json::Object(kept).to_string())
}

/// The ticket as it was before a change that recorded this.
///
/// # Errors
/// A fault when the record cannot be read.
pub fn restored(ticket: &Ticket, replaced: Option<&str>) -> Result<Ticket> {
    let mut before = ticket.clone();
    let kept: serde_json::Map<String, Json> = replaced.map(serde_json::from_str).transpose()?.unwrap_or_default();
    for (name, value) in kept {
        put_back(&mut before, &name, value).ok_or_else(|| Error::fault("an event's record of what was before cannot be read"))?;
    }
    Ok(before)
}
