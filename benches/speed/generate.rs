//! Makes interchanges to measure on: the same bytes for the same seed, of any size, without a fault.
//!
//! Five document types as retail trade sends them, with 10 to 200 lines a document. What stands in them is drawn from
//! short lists; sums and counts are right, so that every check has to go all the way. It knows no definition: that the
//! documents are clean by ours is what `speed` looks at before it measures.

use std::fmt::Write as _;
use std::io::{self, Read};

/// A document type to generate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    X850,
    X810,
    X856,
    Orders,
    Invoic,
}

impl Kind {
    pub const ALL: [Kind; 5] = [Kind::X850, Kind::X810, Kind::X856, Kind::Orders, Kind::Invoic];

    pub fn name(self) -> &'static str {
        match self {
            Kind::X850 => "850",
            Kind::X810 => "810",
            Kind::X856 => "856",
            Kind::Orders => "ORDERS",
            Kind::Invoic => "INVOIC",
        }
    }

    pub fn is_x12(self) -> bool {
        matches!(self, Kind::X850 | Kind::X810 | Kind::X856)
    }

    /// Lines of a document of about 10 kB.
    fn lines_of_small(self) -> u64 {
        match self {
            Kind::X850 => 84,
            Kind::X810 => 88,
            Kind::X856 => 112,
            Kind::Orders => 74,
            Kind::Invoic => 58,
        }
    }
}

/// Documents in one X12 group; then the next begins.
const GROUP_DOCUMENTS: u64 = 500;

const GOODS: [&str; 8] = [
    "STAINLESS HEX BOLT",
    "CORDLESS DRILL 12 V",
    "PAPER TOWEL 24 PK",
    "SAFETY VEST SIZE XL",
    "HOSE CLAMP",
    "CERAMIC TILE 30X40 CM",
    "WORK GLOVES SIZE M",
    "EXTENSION CORD 100 FT",
];
const FIRMS: [&str; 6] =
    ["NORTH STORES", "LIGHT AND LAMP", "HARBOR TRADING CO", "MERIDIAN FOODS", "KONTOR SUED", "VAN DIJK BV"];
/// As UNOC writes them: the release character stands where a name or a text needs it.
const FIRMS_RELEASED: [&str; 6] =
    ["O?'BRIEN ?+ SONS", "LAMPEN 50?:50", "HARBOR TRADING CO", "WARUM?? MARKT AG", "KONTOR SUED", "VAN DIJK BV"];
const STREETS: [&str; 5] = ["100 MAIN ST", "77 HARBOR BLVD", "9 ELM AVE SUITE 210", "HAFENSTRASSE 12", "42 RIVER RD"];
const CITIES: [[&str; 3]; 4] =
    [["CHICAGO", "IL", "606071234"], ["DALLAS", "TX", "75201"], ["SEATTLE", "WA", "98104"], ["ATLANTA", "GA", "30303"]];
const PORTS: [[&str; 3]; 4] =
    [["HAMBURG", "20095", "DE"], ["LYON", "69002", "FR"], ["ROTTERDAM", "3011", "NL"], ["WIEN", "1010", "AT"]];

/// Draws numbers; the same seed draws the same ones (splitmix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.next() % (most - least + 1)
    }

    fn one_of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.next() as usize % list.len()]
    }

    fn date(&mut self) -> String {
        format!("2026{:02}{:02}", self.between(1, 12), self.between(1, 28))
    }

    /// A GTIN-13 or GLN with its check digit.
    fn gtin(&mut self) -> String {
        let stem = format!("40{:010}", self.between(0, 9_999_999_999));
        let sum: u64 = stem.bytes().enumerate().map(|(at, digit)| u64::from(digit - b'0') * [1, 3][at % 2]).sum();
        format!("{stem}{}", (10 - sum % 10) % 10)
    }
}

/// An interchange that is made while it is read, so that its size costs no memory.
pub struct Interchange {
    kind: Kind,
    dice: Dice,
    /// Bytes after which it ends with the document at hand.
    wanted: u64,
    /// One document of about 10 kB instead.
    is_small: bool,
    made: u64,
    text: String,
    read: usize,
    ended: bool,
    documents: u64,
    in_group: u64,
    groups: u64,
    /// Segments of the document being made.
    segments: u64,
}

impl Interchange {
    /// An interchange of about `wanted` bytes; up to 10 kB it is one document.
    pub fn new(kind: Kind, wanted: u64, seed: u64) -> Self {
        let mut made = Interchange {
            kind,
            dice: Dice(seed ^ kind.name().bytes().fold(0, |sum, byte| sum * 31 + u64::from(byte))),
            wanted,
            is_small: wanted <= 10_000,
            made: 0,
            text: String::new(),
            read: 0,
            ended: false,
            documents: 0,
            in_group: 0,
            groups: 0,
            segments: 0,
        };
        if kind.is_x12() {
            made.text.push_str("ISA*00*          *00*          *ZZ*NORTHSTORES    *ZZ*LIGHTANDLAMP   ");
            made.text.push_str("*261124*0915*U*00401*000000101*0*P*>~");
        } else {
            made.text.push_str("UNA:+.? 'UNB+UNOC:3+4012345000009:14+4098765000003:14+261124:0915+101'");
        }
        made
    }

    /// All of it.
    pub fn bytes(kind: Kind, wanted: u64, seed: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        // It reads from memory, which does not fail.
        let _read = Interchange::new(kind, wanted, seed).read_to_end(&mut bytes);
        bytes
    }

    fn segment(&mut self, text: std::fmt::Arguments<'_>) {
        self.segments += 1;
        // Writing to a string cannot fail.
        let _written = self.text.write_fmt(text);
        self.text.push(if self.kind.is_x12() { '~' } else { '\'' });
    }

    fn document(&mut self) {
        self.documents += 1;
        let lines = if self.is_small { self.kind.lines_of_small() } else { self.dice.between(10, 200) };
        if self.kind.is_x12() {
            self.x12(lines);
        } else {
            self.edifact(lines);
        }
    }

    fn x12(&mut self, lines: u64) {
        let group = match self.kind {
            Kind::X850 => "PO",
            Kind::X810 => "IN",
            _ => "SH",
        };
        if self.in_group == 0 {
            self.groups += 1;
            let number = self.groups;
            self.segment(format_args!("GS*{group}*NORTHSTORES*LIGHTANDLAMP*20261124*0915*{number}*X*004010"));
        }
        self.in_group += 1;
        self.segments = 0;
        let (kind, number) = (self.kind.name(), self.in_group);
        self.segment(format_args!("ST*{kind}*{number:04}"));
        match self.kind {
            Kind::X850 => self.x850(lines),
            Kind::X810 => self.x810(lines),
            _ => self.x856(lines),
        }
        let count = self.segments + 1;
        self.segment(format_args!("SE*{count}*{number:04}"));
        if self.in_group == GROUP_DOCUMENTS {
            self.end_group();
        }
    }

    fn end_group(&mut self) {
        let (documents, group) = (std::mem::take(&mut self.in_group), self.groups);
        self.segment(format_args!("GE*{documents}*{group}"));
    }

    fn party(&mut self, role: &str) {
        let (firm, street) = (self.dice.one_of(&FIRMS), self.dice.one_of(&STREETS));
        let (number, [city, state, code]) = (self.dice.between(1, 999_999), self.dice.one_of(&CITIES));
        self.segment(format_args!("N1*{role}*{firm}*92*{number:06}"));
        self.segment(format_args!("N3*{street}"));
        self.segment(format_args!("N4*{city}*{state}*{code}*US"));
    }

    fn x850(&mut self, lines: u64) {
        let (order, date, due) = (self.documents, self.dice.date(), self.dice.date());
        let (department, phone) = (self.dice.between(1, 999), self.dice.between(0, 9999));
        self.segment(format_args!("BEG*00*SA*PO{order:08}**{date}"));
        self.segment(format_args!("CUR*BY*USD"));
        self.segment(format_args!("REF*DP*{department:03}"));
        self.segment(format_args!("REF*IA*V{phone:06}"));
        self.segment(format_args!("PER*BD*ANN MEYER*TE*312555{phone:04}*EM*BUYER@EXAMPLE.ORG"));
        self.segment(format_args!("FOB*CC"));
        self.segment(format_args!("ITD*08*3*2**10**30"));
        self.segment(format_args!("DTM*002*{due}"));
        self.segment(format_args!("TD5**2*UPSN*M*GROUND"));
        self.segment(format_args!("N9*L1*NOTES"));
        self.segment(format_args!("MSG*DELIVER TO DOCK {department} BETWEEN 0800 AND 1600"));
        for role in ["BY", "ST", "SE"] {
            self.party(role);
        }
        let mut pieces = 0;
        for line in 1..=lines {
            let (count, price) = (self.dice.between(1, 500), Price(self.dice.between(25, 99_999)));
            let (unit, ours, theirs) =
                (self.dice.one_of(&["EA", "CA", "BX"]), self.dice.between(1, 9_999_999), line * 7);
            let (gtin, goods) = (self.dice.gtin(), self.dice.one_of(&GOODS));
            pieces += count;
            self.segment(format_args!("PO1*{line}*{count}*{unit}*{price}*PE*BP*{ours:07}*VP*AX-{theirs:04}*EN*{gtin}"));
            self.segment(format_args!("PID*F****{goods}"));
            self.segment(format_args!("PO4*{}*1*EA", count % 48 + 1));
            if count % 2 == 0 {
                self.segment(format_args!("REF*LI*{line}"));
            }
            if count % 3 == 0 {
                self.segment(format_args!("DTM*002*{due}"));
            }
        }
        self.segment(format_args!("CTT*{lines}*{pieces}"));
    }

    fn x810(&mut self, lines: u64) {
        let (invoice, date, ordered) = (self.documents, self.dice.date(), self.dice.date());
        self.segment(format_args!("BIG*{date}*INV{invoice:08}*{ordered}*PO{invoice:08}***DI"));
        self.segment(format_args!("CUR*SE*USD"));
        self.segment(format_args!("REF*BM*{invoice:09}"));
        for role in ["RE", "BT", "ST"] {
            self.party(role);
        }
        self.segment(format_args!("ITD*08*3*2**10**30"));
        self.segment(format_args!("DTM*011*{date}"));
        self.segment(format_args!("FOB*CC"));
        let mut sum = 0;
        for line in 1..=lines {
            let (count, cents) = (self.dice.between(1, 500), self.dice.between(25, 99_999));
            let (ours, gtin, goods) = (self.dice.between(1, 9_999_999), self.dice.gtin(), self.dice.one_of(&GOODS));
            sum += count * cents;
            let price = Price(cents);
            self.segment(format_args!("IT1*{line}*{count}*EA*{price}**BP*{ours:07}*VP*BQ-{ours:07}*EN*{gtin}"));
            self.segment(format_args!("PID*F****{goods}"));
            self.segment(format_args!("REF*LI*{line}"));
        }
        self.segment(format_args!("TDS*{sum}"));
        self.segment(format_args!("CAD*M***UPSN"));
        self.segment(format_args!("CTT*{lines}"));
    }

    fn x856(&mut self, lines: u64) {
        let (notice, date) = (self.documents, self.dice.date());
        self.segment(format_args!("BSN*00*SH{notice:08}*{date}*0915*0001"));
        self.segment(format_args!("DTM*011*{date}"));
        self.segment(format_args!("HL*1**S*1"));
        self.segment(format_args!("TD1*CTN25*{lines}****G*{}*LB", lines * 7));
        self.segment(format_args!("TD5**2*UPSN*M"));
        self.segment(format_args!("REF*BM*{notice:09}"));
        self.segment(format_args!("DTM*017*{date}"));
        for role in ["SF", "ST"] {
            self.party(role);
        }
        self.segment(format_args!("HL*2*1*O*1"));
        self.segment(format_args!("PRF*PO{notice:08}***{date}"));
        let (mut node, mut package) = (2, 0);
        for line in 1..=lines {
            node += 1;
            if line % 5 == 1 {
                package = node;
                let serial = self.dice.between(1, 99_999_999);
                self.segment(format_args!("HL*{node}*2*P*1"));
                self.segment(format_args!("MAN*GM*0034012345{serial:010}"));
                node += 1;
            }
            let (count, ours) = (self.dice.between(1, 500), self.dice.between(1, 9_999_999));
            let (gtin, goods) = (self.dice.gtin(), self.dice.one_of(&GOODS));
            self.segment(format_args!("HL*{node}*{package}*I*0"));
            self.segment(format_args!("LIN*{line}*BP*{ours:07}*EN*{gtin}"));
            self.segment(format_args!("SN1**{count}*EA"));
            self.segment(format_args!("PID*F****{goods}"));
        }
        self.segment(format_args!("CTT*{node}"));
    }

    fn edifact(&mut self, lines: u64) {
        self.segments = 0;
        let (kind, number) = (self.kind.name(), self.documents);
        self.segment(format_args!("UNH+{number}+{kind}:D:96A:UN:EAN008"));
        if self.kind == Kind::Orders {
            self.orders(lines);
        } else {
            self.invoic(lines);
        }
        let count = self.segments + 1;
        self.segment(format_args!("UNT+{count}+{number}"));
    }

    fn name_and_address(&mut self, role: &str) {
        let (gln, firm, street) = (self.dice.gtin(), self.dice.one_of(&FIRMS_RELEASED), self.dice.one_of(&STREETS));
        let ([city, code, country], tax) = (self.dice.one_of(&PORTS), self.dice.between(1, 999_999_999));
        self.segment(format_args!("NAD+{role}+{gln}::9++{firm}+{street}+{city}++{code}+{country}"));
        self.segment(format_args!("RFF+VA:{country}{tax:09}"));
    }

    fn orders(&mut self, lines: u64) {
        let (order, date, due) = (self.documents, self.dice.date(), self.dice.date());
        let gate = self.dice.between(1, 40);
        self.segment(format_args!("BGM+220+PO{order:08}+9"));
        self.segment(format_args!("DTM+137:{date}:102"));
        self.segment(format_args!("DTM+2:{due}:102"));
        self.segment(format_args!("FTX+AAI+++LIEFERUNG AN TOR {gate}?: 08?:00 - 16?:00"));
        self.segment(format_args!("RFF+CT:C{order:06}"));
        for role in ["BY", "SU", "DP"] {
            self.name_and_address(role);
        }
        self.segment(format_args!("CTA+OC+:ANN MEYER"));
        self.segment(format_args!("COM+BUYER@EXAMPLE.ORG:EM"));
        self.segment(format_args!("CUX+2:EUR:9"));
        for line in 1..=lines {
            let (gtin, ours) = (self.dice.gtin(), self.dice.between(1, 9999));
            let (count, price) = (self.dice.between(1, 500), Price(self.dice.between(25, 99_999)));
            let goods = self.dice.one_of(&GOODS);
            self.segment(format_args!("LIN+{line}++{gtin}:EN"));
            self.segment(format_args!("PIA+1+AX-{ours:04}:SA"));
            self.segment(format_args!("IMD+F++:::{goods}"));
            self.segment(format_args!("QTY+21:{count}:PCE"));
            self.segment(format_args!("PRI+AAA:{price}"));
            if count % 3 == 0 {
                self.segment(format_args!("RFF+LI:{line}"));
            }
        }
        self.segment(format_args!("UNS+S"));
        self.segment(format_args!("CNT+2:{lines}"));
    }

    fn invoic(&mut self, lines: u64) {
        let (invoice, date) = (self.documents, self.dice.date());
        self.segment(format_args!("BGM+380+INV{invoice:08}+9"));
        self.segment(format_args!("DTM+137:{date}:102"));
        self.segment(format_args!("FTX+AAI+++ZAHLBAR OHNE ABZUG?: DANKE"));
        self.segment(format_args!("RFF+ON:PO{invoice:08}"));
        self.segment(format_args!("DTM+171:{date}:102"));
        for role in ["BY", "SU", "IV"] {
            self.name_and_address(role);
        }
        self.segment(format_args!("CUX+2:EUR:4"));
        let mut sum = 0;
        for line in 1..=lines {
            let (gtin, ours) = (self.dice.gtin(), self.dice.between(1, 9999));
            let (count, cents) = (self.dice.between(1, 500), self.dice.between(25, 99_999));
            let goods = self.dice.one_of(&GOODS);
            sum += count * cents;
            self.segment(format_args!("LIN+{line}++{gtin}:EN"));
            self.segment(format_args!("PIA+1+ZT-{ours:04}:SA"));
            self.segment(format_args!("IMD+F++:::{goods}"));
            self.segment(format_args!("QTY+47:{count}:PCE"));
            self.segment(format_args!("MOA+203:{}", Price(count * cents)));
            self.segment(format_args!("PRI+AAA:{}", Price(cents)));
            self.segment(format_args!("TAX+7+VAT+++:::19+S"));
        }
        // The tax in whole cents, rounded as the sum of all lines.
        let tax = (sum * 19 + 50) / 100;
        self.segment(format_args!("UNS+S"));
        self.segment(format_args!("CNT+2:{lines}"));
        self.segment(format_args!("MOA+79:{}", Price(sum)));
        self.segment(format_args!("MOA+125:{}", Price(sum)));
        self.segment(format_args!("MOA+124:{}", Price(tax)));
        self.segment(format_args!("MOA+77:{}", Price(sum + tax)));
        self.segment(format_args!("TAX+7+VAT+++:::19+S"));
        self.segment(format_args!("MOA+125:{}", Price(sum)));
        self.segment(format_args!("MOA+124:{}", Price(tax)));
    }

    fn end(&mut self) {
        self.ended = true;
        if self.kind.is_x12() {
            if self.in_group > 0 {
                self.end_group();
            }
            let groups = self.groups;
            self.segment(format_args!("IEA*{groups}*000000101"));
        } else {
            let documents = self.documents;
            self.segment(format_args!("UNZ+{documents}+101"));
        }
    }
}

impl Read for Interchange {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.read == self.text.len() && !self.ended {
            (self.made, self.read) = (self.made + self.text.len() as u64, 0);
            self.text.clear();
            self.document();
            if self.is_small || self.made + self.text.len() as u64 >= self.wanted {
                self.end();
            }
        }
        let rest = &self.text.as_bytes()[self.read..];
        let count = rest.len().min(into.len());
        into[..count].copy_from_slice(&rest[..count]);
        self.read += count;
        Ok(count)
    }
}

/// An amount of cents as it is written, without zeros at its end.
struct Price(u64);

impl std::fmt::Display for Price {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.0 / 100, self.0 % 100) {
            (whole, 0) => write!(f, "{whole}"),
            (whole, cents) if cents % 10 == 0 => write!(f, "{whole}.{}", cents / 10),
            (whole, cents) => write!(f, "{whole}.{cents:02}"),
        }
    }
}
