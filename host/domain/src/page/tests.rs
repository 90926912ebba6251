use proptest::prelude::*;

use super::*;

fn page(page: i64, page_size: i64, skip: i64) -> PageRequest {
    PageRequest::parse(page, page_size, skip).unwrap()
}

#[test]
fn page_size_is_clamped() {
    for (asked, used) in
        [(i64::MIN, 10), (-1, 10), (0, 10), (9, 10), (10, 10), (40, 40), (100, 100), (101, 100), (i64::MAX, 100)]
    {
        assert_eq!(page(1, asked, 0).page_size(), used, "{asked}");
    }
}

#[test]
fn negative_page_and_skip_are_errors() {
    for (asked, skip, error) in [
        (-1, 0, "page is -1: pages count from 1, and 0 asks for all records"),
        (1, -2, "skip is -2: it must not be negative"),
        (i64::MIN, -1, "page is -9223372036854775808 and skip is -1: neither may be negative"),
    ] {
        assert_eq!(PageRequest::parse(asked, 40, skip).unwrap_err().to_string(), error);
    }
}

#[test]
fn page_covers_its_records() {
    // (page, page size, skip), total, expected: total pages, records, next page
    let rows = [
        ((1, 40, 0), 0, 1, 0..0, None),
        ((1, 40, 0), 1, 1, 0..1, None),
        ((1, 40, 0), 40, 1, 0..40, None),
        ((1, 40, 0), 41, 2, 0..40, Some(2)),
        ((2, 40, 0), 41, 2, 40..41, None),
        ((3, 40, 0), 41, 2, 41..41, None),
        ((1, 40, 5), 41, 2, 5..40, Some(2)),
        ((1, 40, 40), 41, 2, 40..40, Some(2)),
        ((1, 40, 999), 41, 2, 40..40, Some(2)),
        ((2, 40, 1), 41, 2, 41..41, None),
        ((0, 40, 0), 0, 1, 0..0, None),
        ((0, 40, 0), 1000, 1, 0..1000, None),
        ((0, 40, 990), 1000, 1, 990..1000, None),
        ((0, 40, 1001), 1000, 1, 1000..1000, None),
        ((i64::MAX, 100, i64::MAX), 1000, 10, 1000..1000, None),
    ];
    for ((number, size, skip), total, total_pages, records, next_page) in rows {
        let request = page(number, size, skip);
        let found = (request.total_pages(total), request.records(total), request.next_page(total));
        assert_eq!(found, (total_pages, records, next_page), "{request:?} of {total}");
        assert_eq!(request.has_next(total), next_page.is_some());
    }
}

#[test]
fn rest_of_a_page_begins_after_the_returned_records() {
    let cut = page(2, 40, 3);
    assert_eq!(cut.records(1000), 43..80);
    let rest = cut.resume_after(7);
    assert_eq!((rest.page(), rest.page_size(), rest.skip()), (2, 40, 10));
    assert_eq!(rest.records(1000), 50..80);
    assert_eq!(page(0, 40, 0).resume_after(120).records(1000), 120..1000);
}

proptest! {
    #[test]
    fn pages_partition_the_records(total in 0u64..5000, size in 0i64..150) {
        let mut next = Some(1);
        let mut pages = 0;
        let mut end = 0;
        while let Some(number) = next {
            let request = page(i64::try_from(number).unwrap(), size, 0);
            let records = request.records(total);
            prop_assert_eq!(records.start, end);
            end = records.end;
            pages += 1;
            next = request.next_page(total);
        }
        prop_assert_eq!(end, total);
        prop_assert_eq!(pages, page(1, size, 0).total_pages(total));
    }

    #[test]
    fn huge_numbers_never_overflow(number in 0..=i64::MAX, size: i64, skip in 0..=i64::MAX, total: u64, returned: u64) {
        let request = page(number, size, skip);
        let records = request.records(total);
        prop_assert!(records.start <= records.end || records.is_empty());
        prop_assert!(records.end <= total);
        prop_assert_eq!(request.resume_after(returned).records(total).end, records.end);
        request.next_page(total);
    }
}
