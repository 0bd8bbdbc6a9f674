//! The listeners of a section: written once, and moved if the command line requests it. The administrator's
//! settings (class, name, plaintext-auth) are not changed: a listener that lost its class would trust
//! strangers.

use std::net::SocketAddr;

use toml_edit::{ArrayOfTables, Item, Table, Value, value};

use crate::up::ports::Ports;
use crate::up::services::{Kind, Listener};

/// Updates the addresses. `asked` are those of the command line, if any.
pub(super) fn prepare(section: &mut Table, kind: &Kind, asked: Option<Ports>) {
    if kind.listeners.is_empty() {
        return;
    }
    let Some(item) = section.get_mut("listener") else {
        let fresh = usual(kind, asked.unwrap_or_default());
        section.insert("listener", Item::ArrayOfTables(fresh));
        return;
    };
    let Some(ports) = asked else { return };
    // `listener = [{ … }]` is equivalent.
    *item = match std::mem::take(item).into_array_of_tables() {
        Ok(mut tables) => {
            move_all(&mut tables, kind, ports);
            Item::ArrayOfTables(tables)
        }
        Err(other) => other,
    };
}

fn usual(kind: &Kind, ports: Ports) -> ArrayOfTables {
    let tables = kind.listeners.iter().map(|listener| {
        let mut table = Table::new();
        table.insert("address", value(ports.at(listener.port).to_string()));
        if let Some(role) = listener.role {
            table.insert("role", value(role));
        }
        table.insert("tls", value(listener.tls));
        table
    });
    tables.collect()
}

/// Moves each listener to the address of its kind. A listener whose new address is already in use stays: a
/// second listener of a kind belongs to the administrator.
fn move_all(tables: &mut ArrayOfTables, kind: &Kind, ports: Ports) {
    let mut taken: Vec<SocketAddr> = Vec::new();
    for table in tables.iter_mut() {
        let Some(old) = address(table) else { continue };
        let new = usual_of(kind, table)
            .map(|listener| ports.moved(listener.port, old))
            .filter(|new| !taken.contains(new))
            .unwrap_or(old);
        taken.push(new);
        set(table, "address", &new.to_string());
    }
}

/// The standard listener that corresponds to this one, by its role and its TLS mode.
fn usual_of<'a>(kind: &'a Kind, table: &Table) -> Option<&'a Listener> {
    let text = |key| table.get(key).and_then(Item::as_str);
    let implicit = text("tls") == Some("implicit");
    kind.listeners.iter().find(|listener| {
        let role = listener.role.map(|_| text("role").unwrap_or("mx"));
        (listener.tls == "implicit") == implicit && listener.role == role
    })
}

pub(super) fn address(table: &Table) -> Option<SocketAddr> {
    table.get("address")?.as_str()?.parse().ok()
}

/// Sets a value and keeps its comment.
pub(super) fn set(table: &mut Table, key: &str, text: &str) {
    let mut new = Value::from(text);
    if let Some(old) = table.get(key).and_then(Item::as_value) {
        *new.decor_mut() = old.decor().clone();
    }
    table.insert(key, Item::Value(new));
}
