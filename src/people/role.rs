//! The roles of `docs/domain.md` section 2.

use std::fmt;

/// What somebody may be. A right is a role in a scope, see [`super::Grant`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// 群众: everybody, without a grant.
    Citizen,
    /// 代表.
    Deputy,
    /// 代表组长.
    GroupLead,
    /// 乡村信息管理员, 网格员.
    InfoOfficer,
    /// 代表家站联络员.
    StationKeeper,
    /// 受理员.
    Intake,
    /// 派单员.
    Dispatcher,
    /// 部门联络员.
    Liaison,
    /// 承办人.
    Handler,
    /// 部门负责人.
    UnitLeader,
    /// 回访员.
    CallbackClerk,
    /// 乡镇人大.
    TownNpc,
    /// 县人大代表工委.
    NpcStaff,
    /// 专班成员.
    TaskForce,
    /// 党委, 人大, 政府领导.
    Leader,
    /// 纪检监察.
    Inspector,
    /// 数据核查员.
    Analyst,
    /// 审计员.
    Auditor,
    /// 系统管理员.
    Admin,
}

/// What a grant of a role has to name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing, because the role is never granted.
    Nothing,
    /// An area.
    Area,
    /// A unit; an area may narrow it.
    Unit,
    /// An area and a field.
    AreaAndField,
    /// Nothing; without an area it holds everywhere.
    Anywhere,
}

impl Role {
    /// All roles in the order of the design.
    pub const ALL: [Role; 19] = [
        Role::Citizen,
        Role::Deputy,
        Role::GroupLead,
        Role::InfoOfficer,
        Role::StationKeeper,
        Role::Intake,
        Role::Dispatcher,
        Role::Liaison,
        Role::Handler,
        Role::UnitLeader,
        Role::CallbackClerk,
        Role::TownNpc,
        Role::NpcStaff,
        Role::TaskForce,
        Role::Leader,
        Role::Inspector,
        Role::Analyst,
        Role::Auditor,
        Role::Admin,
    ];

    /// The word in files and in the database.
    pub fn as_str(self) -> &'static str {
        self.words().0
    }

    /// The Chinese name.
    pub fn chinese(self) -> &'static str {
        self.words().1
    }

    /// The role of a word, in either language.
    pub fn parse(word: &str) -> Option<Role> {
        let word = word.trim();
        Role::ALL.into_iter().find(|role| role.as_str() == word || role.chinese() == word)
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Role::Citizen => ("citizen", "群众"),
            Role::Deputy => ("deputy", "代表"),
            Role::GroupLead => ("group_lead", "代表组长"),
            Role::InfoOfficer => ("info_officer", "信息管理员"),
            Role::StationKeeper => ("station_keeper", "代表家站联络员"),
            Role::Intake => ("intake", "受理员"),
            Role::Dispatcher => ("dispatcher", "派单员"),
            Role::Liaison => ("liaison", "联络员"),
            Role::Handler => ("handler", "承办人"),
            Role::UnitLeader => ("unit_leader", "部门负责人"),
            Role::CallbackClerk => ("callback_clerk", "回访员"),
            Role::TownNpc => ("town_npc", "乡镇人大"),
            Role::NpcStaff => ("npc_staff", "县人大代表工委"),
            Role::TaskForce => ("task_force", "专班成员"),
            Role::Leader => ("leader", "领导"),
            Role::Inspector => ("inspector", "纪检监察"),
            Role::Analyst => ("analyst", "数据核查员"),
            Role::Auditor => ("auditor", "审计员"),
            Role::Admin => ("admin", "系统管理员"),
        }
    }

    /// What a grant of it has to name.
    pub fn needs(self) -> Needs {
        match self {
            Role::Citizen => Needs::Nothing,
            Role::Liaison | Role::Handler | Role::UnitLeader => Needs::Unit,
            Role::TaskForce => Needs::AreaAndField,
            Role::Deputy
            | Role::GroupLead
            | Role::InfoOfficer
            | Role::StationKeeper
            | Role::Intake
            | Role::Dispatcher
            | Role::CallbackClerk
            | Role::TownNpc
            | Role::NpcStaff
            | Role::Leader
            | Role::Inspector
            | Role::Analyst
            | Role::Auditor => Needs::Area,
            Role::Admin => Needs::Anywhere,
        }
    }

    /// The roles whose work a holder of this one may do as well (`docs/domain.md` section 2).
    pub fn includes(self) -> &'static [Role] {
        if self == Role::UnitLeader { &[Role::Liaison] } else { &[] }
    }

    /// Who acts when nobody in the scope holds the role, nearest first (stand-in rule of `docs/domain.md` section 2).
    pub fn stand_ins(self) -> &'static [Role] {
        match self {
            Role::Intake => &[Role::Dispatcher],
            Role::Dispatcher => &[Role::Intake],
            // A call-back falls to intake, and with it to whoever stands in for intake.
            Role::CallbackClerk => &[Role::Intake, Role::Dispatcher],
            Role::Handler => &[Role::Liaison, Role::UnitLeader],
            Role::Liaison => &[Role::UnitLeader],
            Role::UnitLeader => &[Role::Liaison],
            Role::TownNpc | Role::TaskForce => &[Role::NpcStaff, Role::Leader],
            Role::NpcStaff => &[Role::Leader],
            Role::Citizen
            | Role::Deputy
            | Role::GroupLead
            | Role::InfoOfficer
            | Role::StationKeeper
            | Role::Leader
            | Role::Inspector
            | Role::Analyst
            | Role::Auditor
            | Role::Admin => &[],
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.chinese())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_is_found_by_both_its_words_and_no_two_share_one() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(role));
            assert_eq!(Role::parse(role.chinese()), Some(role));
        }
        assert_eq!(Role::parse("老板"), None);
    }

    #[test]
    fn nobody_stands_in_for_those_who_watch() {
        for role in [Role::Inspector, Role::Auditor, Role::Admin] {
            assert!(role.stand_ins().is_empty());
        }
    }
}
