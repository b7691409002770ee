//! The organisation as a workbook or a CSV file, for those who keep their lists in a spreadsheet.
//!
//! An `.xlsx` has a sheet for each kind (区域, 单位, 领域, 规则, 人员, 代表小组, 工作群), each with headings in its first row; sheets
//! and columns may be missing. A `.csv` (UTF-8) holds people alone, with the headings of 人员. Rows that begin with 例 are
//! examples and are skipped.

use super::{
    Coordinates, FieldKind, GroupOf, Role,
    import::grant_in_words,
    org::{self, Kind, Org, Row},
};
use crate::{
    config::read::{Cell, Place, Problem, Table, Value, unknown},
    error::{Error, Result},
};
use calamine::{Data, Reader};
use rust_xlsxwriter::{Format, Workbook, Worksheet, XlsxError};
use std::{io::Cursor, path::Path, sync::Arc};

/// What a cell holds.
#[derive(Clone, Copy, PartialEq)]
enum Shape {
    Text,
    /// Texts between 、 or , or ;.
    List,
    /// `派单员 区域=131122；联络员 单位=swj`.
    Grants,
}

/// A sheet: its name, kind and columns (key, heading, shape, example).
struct Sheet {
    name: &'static str,
    kind: Kind,
    headings: &'static [(&'static str, &'static str)],
    shapes: &'static [Shape],
    example: &'static [&'static str],
}

use Shape::{Grants, List, Text};

const SHEETS: [Sheet; 7] = [
    Sheet {
        name: "区域",
        kind: Kind::Area,
        headings: &[
            ("code", "代码"),
            ("name", "名称"),
            ("prefix", "编号前缀"),
            ("aliases", "别名"),
            ("lat", "纬度"),
            ("lng", "经度"),
            ("neighbours", "邻县"),
        ],
        shapes: &[Text, Text, Text, List, Text, Text, List],
        example: &["例 131122102214", "前观津村民委员会", "", "观津、前观津大队", "37.8012", "115.9034", ""],
    },
    Sheet {
        name: "单位",
        kind: Kind::Unit,
        headings: &[("id", "编号"), ("name", "名称"), ("aliases", "别名"), ("area", "区域代码"), ("parent", "上级单位")],
        shapes: &[Text, Text, List, Text, Text],
        example: &["例 swj", "水务局", "水利局", "131122", ""],
    },
    Sheet {
        name: "领域",
        kind: Kind::Field,
        headings: &[
            ("id", "编号"),
            ("name", "名称"),
            ("kind", "类别"),
            ("unit", "承办单位"),
            ("words", "关键词"),
            ("photo", "办结要照片"),
            ("radius_m", "半径（米）"),
        ],
        shapes: &[Text; 7],
        example: &["例 groundwater", "地下水超采综合治理", "专项", "swj", "打井|机井|抽水", "是", "200"],
    },
    Sheet {
        name: "规则",
        kind: Kind::Rule,
        headings: &[("field", "领域"), ("area", "区域代码"), ("text", "内容里有"), ("to", "交给")],
        shapes: &[Text; 4],
        example: &["例 illegal_build", "131122100", "城区|商铺", "cgj"],
    },
    Sheet {
        name: "人员",
        kind: Kind::Person,
        headings: &[("id", "编号"), ("name", "姓名"), ("phone", "手机"), ("accounts", "账号"), ("grants", "身份")],
        shapes: &[Text, Text, Text, List, Grants],
        example: &["例 li", "李派单", "13800000001", "ding:manager01", "受理员 区域=131122；派单员 区域=131122"],
    },
    Sheet {
        name: "代表小组",
        kind: Kind::DeputyGroup,
        headings: &[("id", "编号"), ("name", "名称"), ("area", "区域代码"), ("lead", "组长"), ("members", "成员")],
        shapes: &[Text, Text, Text, Text, List],
        example: &["例 dg-sp", "审坡镇代表小组", "131122102", "wang", "wang、zhao"],
    },
    Sheet {
        name: "工作群",
        kind: Kind::Group,
        headings: &[
            ("id", "编号"),
            ("name", "名称"),
            ("chat", "群号"),
            ("unit", "单位"),
            ("deputy_group", "代表小组"),
            ("centre", "受理中心"),
        ],
        shapes: &[Text; 6],
        example: &["例 g-swj", "水务局工作群", "", "swj", "", ""],
    },
];

const NOTES: [&str; 13] = [
    "每一行写一个。第一行是标题，不要改。灰色的例子行以“例”开头，导入时会跳过，可以删掉。",
    "编号：自己起，不重复，用字母、数字、- 或 _。以后改名称，编号不要变。",
    "区域：代码是国家统计局的区划代码，县 6 位、乡镇 9 位、村 12 位。县要写编号前缀，比如 WY。",
    "单位、领域、人员这些格子里写的是编号，不是名称。",
    "几个别名、账号、成员之间用顿号隔开。",
    "领域的类别写 专项 或 民生。关键词之间用 | 隔开，群众的话里有这些词就推荐这个领域。",
    "规则从上往下看，第一条对上的算。领域、区域代码、内容里有，至少写一个；都写就要都对上。",
    "只要表里有规则，导入后原来的规则全部换成表里的。",
    "账号写成 渠道编号:用户编号，比如 ding:manager01。不知道可以空着，本人以后发“绑定 验证码”。",
    "身份写成 身份 区域=代码，或 身份 单位=编号，专班成员还要写 领域=编号。几个身份之间用分号隔开。",
    "代表小组的成员自动有代表的身份，组长自动有代表组长的身份，不用再写。",
    "工作群的群号可以空着，以后在群里发“绑定群”。单位、代表小组、受理中心（写 是）只写一个。",
    "导入前可以先试：minhu org import 文件 --dry-run，会列出要改的和写错的。有一处错，就什么都不会改。",
];

/// Reads any file of an organisation by its ending: `.toml`, `.xlsx` or `.csv`.
///
/// # Errors
/// Every problem; the first is that the file cannot be read.
pub fn read(path: &Path, base: &Org) -> std::result::Result<Org, Vec<Problem>> {
    let file = path.display().to_string();
    let whole = |says: String| vec![Problem { file: file.clone(), line: 0, key: String::new(), says }];
    let bytes = std::fs::read(path).map_err(|error| whole(format!("读不到这个文件（{error}）")))?;
    match ending(path).as_str() {
        "toml" => match String::from_utf8(bytes) {
            Ok(source) => org::read_toml(&file, &source, base),
            Err(_) => Err(whole("这个文件不是 UTF-8 编码，请另存为 UTF-8".into())),
        },
        "xlsx" => read_xlsx(&file, bytes, base),
        "csv" => read_csv(&file, &bytes, base),
        _ => Err(whole("只能读 .toml、.xlsx 和 .csv".into())),
    }
}

/// Writes an organisation by the ending of the file: `.toml`, `.xlsx`, or the people alone as `.csv`.
///
/// # Errors
/// A sentence when the ending is another one or the file cannot be written.
pub fn export(path: &Path, org: &Org) -> Result<()> {
    let failed = |error: &dyn std::fmt::Display| Error::user(format!("{}: 写不了这个文件（{error}）", path.display()));
    match ending(path).as_str() {
        "toml" => std::fs::write(path, org.to_toml()).map_err(|error| failed(&error)),
        "xlsx" => write_xlsx(path, Some(org)).map_err(|error| failed(&error)),
        "csv" => write_csv(path, org).map_err(|error| failed(&error)),
        _ => Err(Error::user(format!("{}: 只能写成 .toml、.xlsx 或 .csv", path.display()))),
    }
}

/// Writes an empty workbook with headings, an example row on each sheet and a sheet of notes.
///
/// # Errors
/// A sentence when the file cannot be written.
pub fn template(path: &Path) -> Result<()> {
    write_xlsx(path, None).map_err(|error| Error::user(format!("{}: 写不了这个文件（{error}）", path.display())))
}

fn ending(path: &Path) -> String {
    path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default()
}

fn read_xlsx(file: &str, bytes: Vec<u8>, base: &Org) -> std::result::Result<Org, Vec<Problem>> {
    let problem = |key: &str, says: String| Problem { file: file.into(), line: 0, key: key.into(), says };
    let mut book = calamine::Xlsx::new(Cursor::new(bytes))
        .map_err(|_| vec![problem("", "打不开这个表格，请确认是 .xlsx，没有设密码".into())])?;
    let mut problems = Vec::new();
    let mut rows = Vec::new();
    let names = book.sheet_names().to_vec();
    for name in &names {
        let trimmed = name.trim();
        let Some(sheet) = SHEETS.iter().find(|sheet| sheet.name == trimmed) else {
            if trimmed != "说明" && !trimmed.starts_with("Sheet") {
                let says = unknown("不认识这个工作表", trimmed, SHEETS.iter().map(|sheet| sheet.name));
                problems.push(problem(trimmed, says));
            }
            continue;
        };
        match book.worksheet_range(name) {
            Ok(range) => {
                let first = range.start().map_or(0, |(row, _)| row as usize);
                let lines = range.rows().enumerate().map(|(index, cells)| (first + index + 1, cells.iter().map(text).collect()));
                read_sheet(file, sheet, lines.collect(), &mut rows, &mut problems);
            }
            Err(_) => problems.push(problem(trimmed, "这个工作表读不出来".into())),
        }
    }
    if rows.is_empty() && problems.is_empty() {
        problems.push(problem("", "表里一行都没有填".into()));
    }
    org::build(&rows, base, problems)
}

fn read_csv(file: &str, bytes: &[u8], base: &Org) -> std::result::Result<Org, Vec<Problem>> {
    let whole = |says: &str| vec![Problem { file: file.into(), line: 0, key: String::new(), says: says.into() }];
    let source = std::str::from_utf8(bytes).map_err(|_| whole("不是 UTF-8 编码，请在表格软件里另存为“CSV UTF-8”"))?;
    let source = source.trim_start_matches('\u{feff}');
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(source.as_bytes());
    let mut lines = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|_| whole("这个 CSV 读不出来，请检查引号是否成对"))?;
        let line = record.position().map_or(0, |at| usize::try_from(at.line()).unwrap_or_default());
        lines.push((line, record.iter().map(|cell| cell.trim().to_owned()).collect()));
    }
    let (mut rows, mut problems) = (Vec::new(), Vec::new());
    for sheet in SHEETS.iter().filter(|sheet| sheet.kind == Kind::Person) {
        read_sheet(file, sheet, std::mem::take(&mut lines), &mut rows, &mut problems);
    }
    org::build(&rows, base, problems)
}

/// The text of a cell; numbers such as phones and codes are whole.
fn text(cell: &Data) -> String {
    match cell {
        Data::Empty | Data::Error(_) => String::new(),
        Data::Float(number) if number.fract() == 0.0 => format!("{number:.0}"),
        Data::Bool(flag) => if *flag { "是" } else { "否" }.into(),
        other => other.to_string().trim().to_owned(),
    }
}

/// Turns the lines of a sheet (their number and cells), the headings first, into rows.
fn read_sheet(
    file: &str,
    sheet: &'static Sheet,
    lines: Vec<(usize, Vec<String>)>,
    rows: &mut Vec<Row>,
    problems: &mut Vec<Problem>,
) {
    let file: Arc<str> = file.into();
    let mut lines = lines.into_iter().filter(|(_, cells)| cells.iter().any(|cell| !cell.is_empty()));
    let Some((line, headings)) = lines.next() else { return };
    let at = Place { file: file.clone(), line };
    let mut columns: Vec<Option<usize>> = Vec::new();
    for heading in &headings {
        let column = sheet.headings.iter().position(|(_, known)| known == heading);
        if column.is_none() && !heading.is_empty() {
            let says = unknown("不认识这个标题", heading, sheet.headings.iter().map(|(_, heading)| *heading));
            problems.push(at.problem(format!("{}.{heading}", sheet.name), says));
        }
        if column.is_some() && columns.contains(&column) {
            problems.push(at.problem(format!("{}.{heading}", sheet.name), "这个标题写了两遍，请删掉一列"));
        }
        columns.push(column);
    }
    for (line, cells) in lines {
        if cells.iter().find(|cell| !cell.is_empty()).is_some_and(|cell| cell.starts_with('例')) {
            continue;
        }
        let at = Place { file: file.clone(), line };
        let mut table = Table { at: at.clone(), cells: Vec::new(), headings: sheet.headings };
        for (cell, column) in cells.iter().zip(&columns) {
            let known = column.and_then(|column| Some((sheet.headings.get(column)?, sheet.shapes.get(column)?)));
            let Some(((key, heading), shape)) = known.filter(|_| !cell.is_empty()) else { continue };
            let one = |text: &str| Cell { at: at.clone(), value: Value::Text(text.trim().to_owned()) };
            let value = match shape {
                Text => Value::Text(cell.clone()),
                List => Value::List(cell.split(['、', ',', '，', ';', '；', '\n']).map(one).collect()),
                Grants => Value::List(grants(cell, &at, &format!("{}.{heading}", sheet.name), problems)),
            };
            table.set(key, Cell { at: at.clone(), value });
        }
        rows.push(Row { kind: sheet.kind, table });
    }
}

/// The names of a grant's parts in a cell; in problems the part stands behind the heading.
const PARTS: &[(&str, &str)] = &[("role", "身份"), ("area", "区域"), ("unit", "单位"), ("field", "领域")];

fn grants(text: &str, at: &Place, key: &str, problems: &mut Vec<Problem>) -> Vec<Cell> {
    let mut grants = Vec::new();
    for grant in text.split(['；', ';', '\n']).map(str::trim).filter(|grant| !grant.is_empty()) {
        let mut table = Table { at: at.clone(), cells: Vec::new(), headings: PARTS };
        for word in grant.split_whitespace() {
            let word = word.replace('＝', "=");
            let (name, value) = word.split_once('=').unwrap_or(("身份", &word));
            match PARTS.iter().find(|(_, heading)| *heading == name) {
                Some((part, _)) if table.get(part).is_none() => {
                    table.set(part, Cell { at: at.clone(), value: Value::Text(value.to_owned()) });
                }
                _ => problems.push(at.problem(key, format!("看不懂“{word}”，应当写成：派单员 区域=131122；联络员 单位=swj"))),
            }
        }
        grants.push(Cell { at: at.clone(), value: Value::Table(table) });
    }
    grants
}

fn write_xlsx(path: &Path, org: Option<&Org>) -> std::result::Result<(), XlsxError> {
    let mut book = Workbook::new();
    let heading = Format::new().set_bold();
    let example = Format::new().set_italic().set_font_color("808080");
    let plain = Format::new();
    let write = |page: &mut Worksheet, row: u32, cells: &[String], format: &Format| -> std::result::Result<(), XlsxError> {
        for (column, cell) in (0..).zip(cells) {
            page.write_string_with_format(row, column, cell, format)?;
        }
        Ok(())
    };
    for sheet in &SHEETS {
        let page = book.add_worksheet();
        page.set_name(sheet.name)?.set_freeze_panes(1, 0)?;
        for (column, wide) in (0..).zip(sheet.example) {
            page.set_column_width(column, (wide.chars().count() * 2).clamp(12, 50) as f64)?;
        }
        let headings: Vec<String> = sheet.headings.iter().map(|(_, heading)| (*heading).to_owned()).collect();
        write(page, 0, &headings, &heading)?;
        match org {
            None => write(page, 1, &sheet.example.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>(), &example)?,
            Some(org) => {
                for (row, cells) in (1..).zip(cells(org, sheet.kind)) {
                    write(page, row, &cells, &plain)?;
                }
            }
        }
    }
    let page = book.add_worksheet();
    page.set_name("说明")?.set_column_width(0, 100)?;
    for (row, note) in (0..).zip(NOTES) {
        page.write_string(row, 0, note)?;
    }
    let roles = Role::ALL.into_iter().filter(|role| *role != Role::Citizen).map(Role::chinese).collect::<Vec<_>>();
    page.write_string(NOTES.len() as u32, 0, format!("可以写的身份：{}", roles.join("、")))?;
    book.save(path)
}

fn write_csv(path: &Path, org: &Org) -> std::result::Result<(), csv::Error> {
    // The mark at the beginning makes spreadsheets read it as UTF-8.
    let mut bytes = "\u{feff}".as_bytes().to_vec();
    let mut writer = csv::Writer::from_writer(&mut bytes);
    for sheet in SHEETS.iter().filter(|sheet| sheet.kind == Kind::Person) {
        writer.write_record(sheet.headings.iter().map(|(_, heading)| heading))?;
    }
    for cells in cells(org, Kind::Person) {
        writer.write_record(cells)?;
    }
    writer.flush()?;
    drop(writer);
    Ok(std::fs::write(path, bytes)?)
}

/// The rows of one kind, in the order of the columns.
fn cells(org: &Org, kind: Kind) -> Vec<Vec<String>> {
    let some = |value: &Option<String>| value.clone().unwrap_or_default();
    let yes = |flag: bool| if flag { "是".to_owned() } else { String::new() };
    let pair = |(channel, id): &(String, String)| format!("{channel}:{id}");
    match kind {
        Kind::Area => {
            let degrees = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
            let area = |area: &super::Area| {
                vec![
                    area.code.clone(),
                    area.name.clone(),
                    some(&area.prefix),
                    area.aliases.join("、"),
                    degrees(area.point.map(Coordinates::lat)),
                    degrees(area.point.map(Coordinates::lng)),
                    area.neighbours.join("、"),
                ]
            };
            org.areas.iter().map(area).collect()
        }
        Kind::Unit => org
            .units
            .iter()
            .map(|unit| vec![unit.id.clone(), unit.name.clone(), unit.aliases.join("、"), unit.area.clone(), some(&unit.parent)])
            .collect(),
        Kind::Field | Kind::Topic => org
            .fields
            .iter()
            .map(|field| {
                let kind = if field.kind == FieldKind::Campaign { "专项" } else { "民生" }.to_owned();
                let radius = field.radius_m.map_or_else(String::new, |radius| radius.to_string());
                vec![field.id.clone(), field.name.clone(), kind, some(&field.unit), some(&field.words), yes(field.photo), radius]
            })
            .collect(),
        Kind::Rule => {
            org.rules.iter().map(|rule| vec![some(&rule.field), some(&rule.area), some(&rule.text), rule.to.clone()]).collect()
        }
        Kind::Person => org
            .persons
            .iter()
            .map(|person| {
                let accounts: Vec<String> = person.accounts.iter().map(pair).collect();
                let grants: Vec<String> = person.grants.iter().map(grant_in_words).collect();
                vec![person.id.clone(), person.name.clone(), some(&person.phone), accounts.join("、"), grants.join("；")]
            })
            .collect(),
        Kind::DeputyGroup => org
            .deputy_groups
            .iter()
            .map(|group| {
                vec![group.id.clone(), group.name.clone(), group.area.clone(), some(&group.lead), group.members.join("、")]
            })
            .collect(),
        Kind::Group => org
            .groups
            .iter()
            .map(|group| {
                let chat = group.chat.as_ref().map(pair).unwrap_or_default();
                let (unit, deputies, centre) = match &group.of {
                    GroupOf::Unit(unit) => (unit.clone(), String::new(), false),
                    GroupOf::Deputies(deputies) => (String::new(), deputies.clone(), false),
                    GroupOf::Centre => (String::new(), String::new(), true),
                };
                vec![group.id.clone(), group.name.clone(), chat, unit, deputies, yes(centre)]
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::{import::plan, org::demonstration};

    fn book(sheets: &[(&str, &[&[&str]])]) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("o.xlsx");
        let mut book = Workbook::new();
        for (name, rows) in sheets {
            let page = book.add_worksheet();
            page.set_name(*name).unwrap();
            for (row, cells) in (0..).zip(*rows) {
                for (column, cell) in (0..).zip(*cells) {
                    // As a spreadsheet does by itself with what looks like a number.
                    match cell.parse::<f64>() {
                        Ok(number) => page.write_number(row, column, number).unwrap(),
                        Err(_) => page.write_string(row, column, *cell).unwrap(),
                    };
                }
            }
        }
        book.save(&path).unwrap();
        (folder, path)
    }

    fn problems(path: &Path) -> Vec<String> {
        let name = path.display().to_string();
        let problems = read(path, &demonstration().unwrap()).unwrap_err();
        problems.iter().map(|problem| problem.to_string().replace(&name, "f")).collect()
    }

    #[test]
    fn an_export_imports_without_any_change() {
        let folder = tempfile::tempdir().unwrap();
        let org = demonstration().unwrap();
        for name in ["o.xlsx", "o.toml"] {
            let path = folder.path().join(name);
            export(&path, &org).unwrap();
            assert_eq!(read(&path, &Org::default()).unwrap(), org, "{name}");
        }
        let path = folder.path().join("o.csv");
        export(&path, &org).unwrap();
        let people = read(&path, &org).unwrap();
        assert_eq!(people.persons, org.persons);
        assert!(plan(&people, &org, false).is_empty());
    }

    #[test]
    fn the_template_has_every_sheet_and_its_examples_are_not_imported() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.xlsx");
        template(&path).unwrap();
        let mut book = calamine::open_workbook_auto(&path).unwrap();
        let names = book.sheet_names();
        assert_eq!(names, ["区域", "单位", "领域", "规则", "人员", "代表小组", "工作群", "说明"]);
        for sheet in &SHEETS {
            let range = book.worksheet_range(sheet.name).unwrap();
            assert_eq!(range.height(), 2, "{}", sheet.name);
            assert!((sheet.headings.len(), sheet.shapes.len()) == (sheet.example.len(), sheet.example.len()));
        }
        assert_eq!(problems(&path), ["f: 表里一行都没有填"]);
    }

    #[test]
    fn the_examples_of_the_template_are_right_when_they_are_filled_in() {
        let rows: Vec<Vec<Vec<String>>> = SHEETS
            .iter()
            .map(|sheet| {
                let headings = sheet.headings.iter().map(|(_, heading)| (*heading).to_owned()).collect();
                let example = sheet.example.iter().map(|cell| cell.trim_start_matches("例 ").to_owned()).collect();
                vec![headings, example]
            })
            .collect();
        let lent: Vec<Vec<Vec<&str>>> =
            rows.iter().map(|rows| rows.iter().map(|row| row.iter().map(String::as_str).collect()).collect()).collect();
        let lent: Vec<Vec<&[&str]>> = lent.iter().map(|rows| rows.iter().map(Vec::as_slice).collect()).collect();
        let sheets: Vec<(&str, &[&[&str]])> =
            SHEETS.iter().zip(&lent).map(|(sheet, rows)| (sheet.name, rows.as_slice())).collect();
        let (_folder, path) = book(&sheets);
        let base = demonstration().unwrap();
        let org = read(&path, &base).unwrap();
        assert_eq!(org.areas[0].code, "131122102214");
        assert_eq!(org.areas[0].aliases, ["观津", "前观津大队"]);
        assert_eq!(org.areas[0].point, Some(Coordinates::of(37.8012, 115.9034)));
        assert_eq!(org.persons[0].phone.as_deref(), Some("13800000001"));
        assert_eq!(org.persons[0].grants.len(), 2);
        assert_eq!(org.rules.len(), 1);
        let lines = plan(&org, &base, false).lines();
        assert!(
            lines.iter().any(|line| line.starts_with("改动 区域 131122102214 前观津村民委员会：别名 （空） → 观津、前观津大队")),
            "{lines:#?}"
        );
    }

    #[test]
    fn every_wrong_cell_is_said_with_its_row_and_heading() {
        let (_folder, path) = book(&[
            ("人员", &[&["编号", "姓名", "手机号", "身份"], &["a", "甲", "139", "派单员"], &["a", "乙", "", "老板 区域=131122"]]),
            ("单位", &[&["编号", "名称", "区域代码"], &["x", "", "131129"], &["", "", ""], &["y", "丙局", "131122"]]),
            ("工作群", &[&["编号", "名称", "受理中心"], &["g", "群", "也许"]]),
            ("人原", &[&["编号"]]),
        ]);
        let found = problems(&path);
        for expected in [
            "f: 人原: 不认识这个工作表，是不是“人员”？",
            "f:1: 人员.手机号: 不认识这个标题，是不是“手机”？",
            "f:2: 人员.身份.区域: 派单员要写明管哪个区域（区域代码）",
            "f:2: 单位.名称: 没有填，应当写单位的名称",
            "f:2: 单位.区域代码: 没有编号为“131129”的区域，是不是“131102”？",
            "f:3: 人员.编号: 编号“a”在第 2 行用过了，每一个要有自己的编号",
        ] {
            let code = expected.split("是不是").next().unwrap();
            assert!(found.iter().any(|problem| problem.starts_with(code)), "{expected}\n{found:#?}");
        }
        assert!(found.iter().any(|problem| problem.starts_with("f:3: 人员.身份.身份: 没有“老板”这个身份")), "{found:#?}");
        assert!(found.iter().any(|problem| problem.starts_with("f:2: 工作群.受理中心: ")), "{found:#?}");
    }

    #[test]
    fn csv_files_of_other_encodings_and_endings_are_refused_kindly() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.csv");
        std::fs::write(&path, b"\xb1\xe0\xba\xc5\n").unwrap();
        assert_eq!(problems(&path), ["f: 不是 UTF-8 编码，请在表格软件里另存为“CSV UTF-8”"]);
        std::fs::write(&path, "编号,姓名,身份\na,甲,\"承办人 单位=swj 单位=cgj\"\n").unwrap();
        let found = problems(&path);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(found[0].starts_with("f:2: 人员.身份: 看不懂“单位=cgj”"), "{found:#?}");
        let path = folder.path().join("p.doc");
        std::fs::write(&path, "").unwrap();
        assert_eq!(problems(&path), ["f: 只能读 .toml、.xlsx 和 .csv"]);
        let path = folder.path().join("p.xlsx");
        std::fs::write(&path, "no workbook").unwrap();
        assert_eq!(problems(&path), ["f: 打不开这个表格，请确认是 .xlsx，没有设密码"]);
        assert!(problems(Path::new("/nowhere.toml"))[0].contains("读不到这个文件"));
    }
}
