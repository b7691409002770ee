//! The organisation as files: a template, imports, an export, slips with binding codes.

use super::{Done, Failure, Opened, complain, say};
use crate::{
    audit,
    db::News,
    error::{Error, Result},
    people::{
        Directory, codes,
        import::{self, Changes},
        org::Org,
        sheet, store,
    },
};
use clap::Subcommand;
use std::{fs, path::Path, path::PathBuf};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    #[command(about = "写一份空的表格，照着填", help_template = super::TEMPLATE)]
    Template {
        #[arg(value_name = "文件.xlsx", help_heading = "要写的")]
        file: PathBuf,
    },
    #[command(about = "导入。有一处写错，就什么都不改", help_template = super::TEMPLATE)]
    Import {
        #[arg(value_name = "文件", help = ".xlsx、.csv（只有人员）或 .toml", help_heading = "要写的")]
        file: PathBuf,
        #[arg(long, help = "只看要改什么、哪里写错，不真的改", help_heading = "选项")]
        dry_run: bool,
        #[arg(long, help = "文件里没有的，一律停用", help_heading = "选项")]
        replace: bool,
    },
    #[command(about = "导出。里面有手机号和账号，请收好", help_template = super::TEMPLATE)]
    Export {
        #[arg(value_name = "文件", help = ".xlsx、.csv（只有人员）或 .toml", help_heading = "要写的")]
        file: PathBuf,
    },
    #[command(about = "给还没绑定的人每人一个新绑定码，打印出来裁开发", help_template = super::TEMPLATE)]
    Codes {
        #[arg(long, value_name = "群编号", help = "只要这个群（或代表小组）的人", help_heading = "选项")]
        group: Option<String>,
    },
}

pub(super) async fn run(at: &Opened, command: Command) -> Done {
    match command {
        Command::Template { file } => template(&file),
        Command::Import { file, dry_run, replace } => import(at, &file, dry_run, replace).await,
        Command::Export { file } => export(at, &file).await,
        Command::Codes { group } => codes(at, group.as_deref()).await,
    }
}

pub(super) fn template(file: &Path) -> Done {
    if has_ending(file, "xlsx") {
        fresh(file, sheet::template)?;
        say(&format!("写好了 {}。填好后先试：minhu org import {} --dry-run", file.display(), file.display()));
        Ok(())
    } else {
        Err(Error::user(format!("{}: 模板只能写成 .xlsx", file.display())).into())
    }
}

fn has_ending(file: &Path, ending: &str) -> bool {
    file.extension().is_some_and(|own| own.eq_ignore_ascii_case(ending))
}

/// Lets a file be written that is not there yet, for the eyes of its owner: a list somebody has filled in is not lost, and
/// phone numbers are not for everybody on the machine.
fn fresh(file: &Path, write: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Error::user(format!("{}: 这个文件已经有了，请换个名字", file.display())),
        _ => Error::user(format!("{}: 写不了这个文件（{error}）", file.display())),
    })?;
    write(file).inspect_err(|_| {
        // It is ours and empty; that it cannot be removed is not worth a second complaint.
        let _ = fs::remove_file(file);
    })
}

async fn import(at: &Opened, file: &Path, dry_run: bool, replace: bool) -> Done {
    if replace && has_ending(file, "csv") {
        let says = "CSV 里只有人员，用 --replace 会把单位和区域都停用。请用 .xlsx 或 .toml";
        return Err(Failure::usage(format!("{}: {says}", file.display())));
    }
    let current = store::current(&mut *at.db.read().await?, &at.keys).await?;
    let base = if replace { Org::default() } else { current.clone() };
    let org = sheet::read(file, &base);
    if dry_run {
        return rehearse(org, &current, replace);
    }
    let org = org.map_err(|problems| {
        let failure = Failure::problems(&problems);
        Failure { says: format!("{}\n共 {} 处要改。什么都没有导入。", failure.says, problems.len()), ..failure }
    })?;
    let changes = import::plan(&org, &current, replace);
    if changes.is_empty() {
        say("和现在的一样，没有要改的。");
        return Ok(());
    }
    let mut tx = at.db.write_with_ids(changes.ids()).await?;
    // What people bind themselves meanwhile must not be undone by what was read before.
    if import::plan(&org, &store::current(tx.conn(), &at.keys).await?, replace) != changes {
        return Err(Error::user("单位和人员刚刚有人在改，什么都没有导入。请再来一次").into());
    }
    import::apply(&mut tx, &at.keys, &changes, at.clock.now()).await?;
    let detail = format!("{} changes", changes.lines().len());
    audit::record(&mut tx, &at.keys, "org.import", None, &detail, "", at.clock.now()).await?;
    let directory: Directory = store::load(tx.conn(), at.clock.now()).await?;
    tx.commit().await?;
    at.db.tell(News::Organisation).await;
    listed(&changes);
    say("导入好了。正在运行的服务几秒后就会用新的。");
    for gap in directory.gaps() {
        complain(&format!("提醒：{gap}"));
    }
    Ok(())
}

/// A dry run: what would change, or every bad row.
fn rehearse(org: Result<Org, Vec<crate::config::read::Problem>>, current: &Org, replace: bool) -> Done {
    let org = org.map_err(|problems| Failure::problems(&problems))?;
    let changes = import::plan(&org, current, replace);
    listed(&changes);
    say(if changes.is_empty() { "和现在的一样，没有要改的。" } else { "这是试一试，什么都没有改。" });
    Ok(())
}

fn listed(changes: &Changes) {
    for line in changes.lines() {
        say(&line);
    }
}

async fn export(at: &Opened, file: &Path) -> Done {
    let mut tx = at.db.write().await?;
    let org = store::current(tx.conn(), &at.keys).await?;
    audit::record(&mut tx, &at.keys, "org.export", None, &format!("{} persons", org.persons.len()), "", at.clock.now()).await?;
    fresh(file, |file| sheet::export(file, &org))?;
    tx.commit().await?;
    say(&format!("写好了 {}。里面有手机号和账号，请收好，用完删掉。", file.display()));
    Ok(())
}

async fn codes(at: &Opened, group: Option<&str>) -> Done {
    let mut tx = at.db.write().await?;
    let slips = codes::codes(&mut tx, &at.keys, group, at.clock.now()).await?;
    audit::record(&mut tx, &at.keys, "org.codes", None, &format!("{} codes", slips.len()), "", at.clock.now()).await?;
    tx.commit().await?;
    if slips.is_empty() {
        say("没有要发绑定码的人：都绑定过了，或还没有导入人员。");
        return Ok(());
    }
    for slip in slips {
        say(&format!(
            "{}（{}）\n请在微信或钉钉里发给机器人：绑定 {}\n七天内有效，只能用一次，不要给别人。\n{}",
            slip.name,
            slip.reference,
            slip.code,
            "- ".repeat(24)
        ));
    }
    Ok(())
}
