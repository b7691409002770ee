//! Changes of the organisation in the middle of a story.

use toml::{Table, Value};

/// The file without a unit or person of this name, and without what hangs on it.
///
/// # Errors
/// When nobody and nothing is called so.
pub fn without(file: &str, name: &str) -> Result<String, String> {
    let mut table: Table = toml::from_str(file).map_err(|error| error.to_string())?;
    let called = |entry: &Value| entry.get("name").and_then(Value::as_str) == Some(name);
    let units: Vec<String> = list(&mut table, "unit")
        .iter()
        .filter(|entry| called(entry))
        .filter_map(|entry| entry.get("id")?.as_str().map(str::to_owned))
        .collect();
    let gone =
        |entry: &Value, key: &str| entry.get(key).and_then(Value::as_str).is_some_and(|id| units.iter().any(|unit| unit == id));
    let before = list(&mut table, "unit").len() + list(&mut table, "person").len();
    list(&mut table, "unit").retain(|entry| !called(entry));
    list(&mut table, "person").retain(|entry| !called(entry));
    if list(&mut table, "unit").len() + list(&mut table, "person").len() == before {
        return Err(format!("nobody and nothing is called {name}"));
    }
    list(&mut table, "rule").retain(|rule| !gone(rule, "to"));
    list(&mut table, "group").retain(|group| !gone(group, "unit"));
    for kind in ["field", "topic"] {
        for entry in list(&mut table, kind).iter_mut().filter(|entry| gone(entry, "unit")) {
            entry.as_table_mut().unwrap().remove("unit");
        }
    }
    for person in list(&mut table, "person") {
        if let Some(grants) = person.get_mut("grants").and_then(Value::as_array_mut) {
            grants.retain(|grant| !gone(grant, "unit"));
        }
    }
    Ok(toml::to_string(&table).unwrap())
}

/// The file with somebody more, who has a role in an area; the area comes with it where it is new.
///
/// # Errors
/// When the file cannot be read.
pub fn with(file: &str, name: &str, account: &str, role: &str, area: &str) -> Result<String, String> {
    let mut table: Table = toml::from_str(file).map_err(|error| error.to_string())?;
    if !list(&mut table, "area").iter().any(|known| known["code"].as_str() == Some(area)) {
        let mut new = Table::new();
        new.insert("code".into(), area.into());
        new.insert("name".into(), format!("区划{area}").into());
        if area.len() == 6 {
            new.insert("prefix".into(), "XX".into());
        }
        list(&mut table, "area").insert(0, new.into());
    }
    let grant: Table = [("role".to_owned(), role.into()), ("area".to_owned(), area.into())].into_iter().collect();
    let person: Table = [
        ("id".to_owned(), account.into()),
        ("name".to_owned(), name.into()),
        ("accounts".to_owned(), vec![format!("ding:{account}")].into()),
        ("grants".to_owned(), Value::Array(vec![grant.into()])),
    ]
    .into_iter()
    .collect();
    list(&mut table, "person").push(person.into());
    Ok(toml::to_string(&table).unwrap())
}

fn list<'t>(table: &'t mut Table, key: &str) -> &'t mut Vec<Value> {
    table.entry(key).or_insert_with(|| Value::Array(Vec::new())).as_array_mut().unwrap()
}
