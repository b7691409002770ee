//! Who acts in a turn, and the office they act in.

use super::{Directory, Grant, Role, Scope};
use crate::{bot::dialog::Dialogs, message::Address, seal::Keys};
use std::sync::Arc;

/// What every use case may look at: the organisation as it is now, and the keys.
#[derive(Debug)]
pub struct Office {
    /// Areas, units, people in office.
    pub directory: Arc<Directory>,
    /// Keys for sealing and hashing.
    pub keys: Keys,
    /// The dialogs in force.
    pub dialogs: Arc<Dialogs>,
}

/// Whoever sent a message.
#[derive(Debug, Clone)]
pub struct Actor {
    /// The person's id; a citizen has one too.
    pub person: i64,
    /// The account and chat it came from.
    pub address: Address,
    /// The office.
    pub office: Arc<Office>,
}

impl Actor {
    /// The organisation.
    pub fn directory(&self) -> &Directory {
        &self.office.directory
    }

    /// The person's rights; none for a citizen.
    pub fn grants(&self) -> &[Grant] {
        self.office.directory.grants(self.person)
    }

    /// The person's rights without what is lent for a time.
    pub fn own_grants(&self) -> &[Grant] {
        self.office.directory.staff(self.person).map_or(&[], |staff| &staff.own)
    }

    /// Somebody in office?
    pub fn is_staff(&self) -> bool {
        self.grants().iter().any(|grant| grant.role != Role::Citizen)
    }

    /// Holds a role anywhere?
    pub fn has(&self, role: Role) -> bool {
        self.grants().iter().any(|grant| grant.role == role)
    }

    /// May act in this role here, as its holder or by the stand-in rule?
    pub fn may_act_as(&self, role: Role, scope: Scope<'_>) -> bool {
        self.office.directory.may_act_as(self.grants(), role, scope)
    }

    /// The keyed hash under which this person reports by name or in confidence.
    pub fn holder(&self) -> String {
        person_holder(&self.office.keys, self.person)
    }

    /// The keyed hash under which this account reports without a name.
    pub fn nameless_holder(&self) -> String {
        self.office.keys.hash("holder", &format!("a:{}|{}", self.address.channel, self.address.account))
    }

    /// Both, for finding what this person reported.
    pub fn holders(&self) -> Vec<String> {
        vec![self.holder(), self.nameless_holder()]
    }
}

/// The associated data of whom a reporter's entry leads to: a person, or the address of an anonymous one.
pub fn reporter_place(entry: i64) -> String {
    format!("reporter.sealed.{entry}")
}

/// The keyed hash under which a person reports by name or in confidence.
pub fn person_holder(keys: &Keys, person: i64) -> String {
    keys.hash("holder", &format!("p:{person}"))
}
