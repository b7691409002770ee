//! Where messages go: from whom they are meant for to addresses, and through the channels.

use super::House;
use crate::{
    bot,
    channels::{Ability, Channel, Outcome, Way},
    db::Tx,
    error::{Error, Result},
    message::{Address, Media, Reply},
    outbox::{Class, Found, Post, Push, Target},
    people::{self, GroupOf, Role, Scope},
    tickets::{self, Mode},
};

impl Post for House {
    async fn find(&self, tx: &mut Tx, target: &Target, except: Option<i64>) -> Result<Found> {
        let addresses = match target {
            Target::Chat(id) => bot::store::address(tx, self.keys(), *id).await?.into_iter().collect(),
            Target::Person(id) => people::store::addresses(tx.conn(), self.keys(), *id).await?,
            Target::Reporter(id) => match tickets::store::reporter(tx, *id).await? {
                Some(reporter) => {
                    let plain = reporter.who(self.keys())?;
                    match reporter.mode {
                        Mode::Anonymous => vec![serde_json::from_str(&plain)?],
                        Mode::RealName | Mode::Confidential => {
                            let person = plain.parse().map_err(|_| Error::fault("a reporter's entry holds no person"))?;
                            people::store::addresses(tx.conn(), self.keys(), person).await?
                        }
                    }
                }
                None => Vec::new(),
            },
            Target::Group(id) => {
                let office = self.office();
                let chat =
                    office.directory.chat_groups().iter().find(|group| group.id == *id).and_then(|group| group.chat.clone());
                chat.map(|(channel, chat)| Address { channel, account: String::new(), group: Some(chat) }).into_iter().collect()
            }
            Target::Role { role, area, unit } => return Ok(self.holders(role, area, unit.as_deref(), except)),
        };
        Ok(Found::Addresses(addresses))
    }

    async fn send(&self, to: &Address, way: &Way, reply: &Reply) -> Outcome {
        match self.channels().get(&to.channel) {
            Some(channel) => {
                let outcome = channel.send(to, way, reply).await;
                self.note(&to.channel, Some(&outcome));
                outcome
            }
            None => Outcome::Gone("the channel is not configured"),
        }
    }

    fn channels(&self) -> Vec<String> {
        self.channels().keys().cloned().collect()
    }

    fn ability(&self, channel: &str) -> Option<Ability> {
        self.channels().get(channel).map(Channel::ability)
    }

    fn has_template(&self, channel: &str) -> bool {
        self.channels().get(channel).is_some_and(Channel::has_template)
    }

    fn neutral(&self) -> Reply {
        Reply::text(tickets::wording::neutral())
    }

    fn merged(&self, replies: &[Reply]) -> Reply {
        let texts = |pick: &dyn Fn(&Reply) -> String| {
            let all: Vec<String> = replies.iter().map(pick).collect();
            format!("{}\n{}", tickets::wording::several(all.len()), all.join("\n\n"))
        };
        let private = replies.iter().any(|reply| reply.private.is_some());
        Reply {
            text: texts(&|reply| reply.as_text()),
            private: private.then(|| texts(&|reply| reply.private.clone().unwrap_or_else(|| reply.as_text()))),
            ..Reply::default()
        }
    }

    fn quota_warning(&self, channel: &str, used: i64, limit: i64) -> Vec<Push> {
        let target = Target::Role { role: Role::Admin.as_str().to_owned(), area: String::new(), unit: None };
        let reply = Reply::text(tickets::wording::quota_low(channel, used, limit));
        vec![Push { target, ticket: None, class: Class::Now, reply, except: None, urgent: true }]
    }
}

impl House {
    /// The holders of a role: the shared group of the unit or of the centre where one is bound, else each in private. The
    /// person who acted is not told; if nobody else holds the role, nobody is.
    fn holders(&self, role: &str, area: &str, unit: Option<&str>, except: Option<i64>) -> Found {
        let office = self.office();
        let Some(role) = Role::parse(role) else { return Found::Addresses(Vec::new()) };
        let scope = Scope { area, unit, field: None };
        let directory = &office.directory;
        let people: Vec<i64> = if role == Role::Admin {
            directory
                .all_staff()
                .filter(|staff| staff.grants.iter().any(|grant| grant.role == Role::Admin))
                .map(|staff| staff.id)
                .collect()
        } else {
            directory.holders(role, scope).iter().filter(|staff| !staff.retired).map(|staff| staff.id).collect()
        };
        let shared = match (role, unit) {
            (Role::Liaison, Some(unit)) => directory.bound_group(&GroupOf::Unit(unit.to_owned())),
            (Role::Intake | Role::Dispatcher, _) => directory.bound_group(&GroupOf::Centre),
            _ => None,
        };
        let others: Vec<i64> = people.iter().copied().filter(|id| Some(*id) != except).collect();
        match shared {
            Some(group) if people.is_empty() || !others.is_empty() => Found::Targets(vec![Target::Group(group.id.clone())]),
            _ if people.is_empty() => Found::Addresses(Vec::new()),
            _ => Found::Targets(others.into_iter().map(Target::Person).collect()),
        }
    }
}

impl crate::media::Fetcher for House {
    async fn fetch(&self, channel: &str, media: &Media, max_bytes: usize) -> std::result::Result<Vec<u8>, Outcome> {
        match self.channels().get(channel) {
            Some(name) => {
                let fetched = name.fetch(media, max_bytes).await;
                self.note(channel, fetched.as_ref().err());
                fetched
            }
            None => Err(Outcome::Gone("the channel is not configured")),
        }
    }
}
