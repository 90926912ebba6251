//! Grouping: one row for each group of findings that agree in some fields, computed from the columns. Memory is bounded
//! by the groups and by one or two numbers for each finding.

use std::ops::Range;

use hashbrown::HashMap;
use scanhost_domain::{
    field::{Columns, FieldIndex},
    filter::Filters,
    group::{Grouping, Measure},
};

use super::{
    error::ReportError,
    measure::Measured,
    order::{SortKey, first_in_order},
    rank::Ranks,
    records::Records,
    report::Report,
    select::matching,
};

/// How a report is grouped: the grouping of a plan, with its names looked up.
#[derive(Clone, Debug)]
pub struct GroupPlan {
    by: Vec<FieldIndex>,
    /// The row's shown fields, and after them those that only the order needs.
    measures: Vec<(Measure, Option<FieldIndex>)>,
    shown: usize,
    /// The sort keys: places in `measures`, and whether each descends.
    order: Vec<(usize, bool)>,
}

impl GroupPlan {
    /// Looks up the names. A field that no finding has is left out of the grouping.
    pub fn new(grouping: &Grouping, shown: &[String], order: &[(String, bool)], columns: &Columns) -> Self {
        let place = |measure: Measure| {
            let field = measure.field().and_then(|field| columns.find(field));
            (measure, field)
        };
        let names = shown.iter().chain(order.iter().map(|(name, _)| name));
        Self {
            by: grouping.by.iter().filter_map(|name| columns.find(name)).collect(),
            measures: names.map(|name| place(grouping.measure(name))).collect(),
            shown: shown.len(),
            order: (shown.len()..).zip(order).map(|(place, (_, descending))| (place, *descending)).collect(),
        }
    }

    /// Groups the findings that match.
    pub fn run(
        &self,
        report: &Report,
        filters: &Filters,
        wanted: impl FnOnce(u64) -> Range<u64>,
    ) -> Result<Groups, ReportError> {
        let mut members = Members::new(report, &self.by)?;
        let open = |(measure, field): &(Measure, Option<FieldIndex>)| Measured::open(report, measure, *field);
        let mut measured: Vec<Measured> = self.measures.iter().map(open).collect::<Result<_, _>>()?;
        for (index, segment) in (0..report.segments().len()).zip(0..) {
            let rows: Vec<u32> = matching(report, filters, index)?.iter().collect();
            let groups = members.assign(report, segment, &rows)?;
            for measured in &mut measured {
                measured.add(report, segment, &rows, &groups, members.count)?;
            }
        }
        for measured in &mut measured {
            measured.finish();
        }
        let total = u64::from(members.count);
        let wanted = self.sorted(report, &measured, members.count, wanted(total))?;
        measured.truncate(self.shown);
        Ok(Groups { total, wanted, measured })
    }

    fn sorted(
        &self,
        report: &Report,
        measured: &[Measured],
        count: u32,
        wanted: Range<u64>,
    ) -> Result<Vec<u32>, ReportError> {
        let mut keys: Vec<Vec<SortKey>> = Vec::new();
        for (place, descending) in &self.order {
            let ranks = measured[*place].ranks(report)?;
            let key = |rank: Option<u64>| rank.map_or(SortKey::ABSENT, |rank| SortKey::new(rank, *descending));
            keys.push(ranks.into_iter().map(key).collect());
        }
        let key = |group: u32| keys.iter().map(move |keys| keys[group as usize]);
        // Then by first appearance, which is the order of the groups' numbers.
        Ok(first_in_order((0..count).collect(), wanted, |a, b| key(*a).cmp(key(*b)).then(a.cmp(b))))
    }
}

/// The groups that an answer has.
pub struct Groups {
    total: u64,
    wanted: Vec<u32>,
    measured: Vec<Measured>,
}

impl Groups {
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The number of wanted groups.
    pub fn len(&self) -> usize {
        self.wanted.len()
    }

    /// Some of the wanted groups as records with the shown fields.
    pub fn records(&self, report: &Report, range: Range<usize>) -> Result<Records, ReportError> {
        let groups = &self.wanted[range];
        let cells = self.measured.iter().map(|measured| measured.cells(report, groups));
        Ok(Records::new(groups.len(), cells.collect::<Result<_, _>>()?))
    }
}

/// Assigns findings to groups, which are numbered by first appearance.
struct Members {
    fields: Vec<(FieldIndex, Ranks)>,
    /// For each field, maps the number of the group by the fields before it, and the rank of the field's value, to the
    /// number of the group by the fields up to it.
    numbers: Vec<HashMap<(u32, Option<u32>), u32>>,
    count: u32,
}

impl Members {
    fn new(report: &Report, by: &[FieldIndex]) -> Result<Self, ReportError> {
        let fields: Vec<_> = by
            .iter()
            .map(|field| Ok((*field, Ranks::of_values(report, *field)?)))
            .collect::<Result<_, ReportError>>()?;
        let numbers = fields.iter().map(|_| HashMap::new()).collect();
        Ok(Self { fields, numbers, count: 0 })
    }

    fn assign(&mut self, report: &Report, segment: u32, rows: &[u32]) -> Result<Vec<u32>, ReportError> {
        let mut groups = vec![0; rows.len()];
        for ((field, ranks), numbers) in self.fields.iter().zip(&mut self.numbers) {
            let codes = match report.column(segment as usize, *field) {
                Some(column) => column.codes()?,
                None => Vec::new(),
            };
            for (group, row) in groups.iter_mut().zip(rows) {
                let code = codes.get(*row as usize).copied().unwrap_or_default();
                let next = u32::try_from(numbers.len()).expect("there are fewer groups than findings");
                *group = *numbers.entry((*group, ranks.of(segment, code).first().copied())).or_insert(next);
            }
        }
        // Without a field to group by, all findings are one group.
        let count = self.numbers.last().map_or(usize::from(!rows.is_empty()), HashMap::len);
        self.count = self.count.max(u32::try_from(count).expect("there are fewer groups than findings"));
        Ok(groups)
    }
}
