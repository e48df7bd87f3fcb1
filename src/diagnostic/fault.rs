//! The closed list of faults: one row each with its name, effect, acknowledgment codes, meaning and remedy.
//! `docs/ERRORS.md` is generated from this list. The list holds no rule of a standard; who finds a fault knows that.

use super::Severity;

/// Which acknowledgment a finding may move; each reaches further than the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Effect {
    /// The standard itself is broken: TA1, 997, 999, CONTRL.
    Syntax,
    /// The partner's guide is broken: 999 or 824, never a 997 rejection unless the agreement says so.
    Guide,
    /// Sums, references, business rules: 824, APERAK or an alarm.
    Business,
}

/// What part of the interchange the fault belongs to; it decides which acknowledgment segment names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Level {
    /// Envelope: TA105, UCI 0085.
    Interchange,
    /// Group: AK905, UCF 0085.
    Group,
    /// Document envelope: AK502, UCM 0085.
    Document,
    /// Segment: AK304, UCS 0085.
    Segment,
    /// Element or component: AK403, UCD 0085.
    Element,
}

/// One row of the list.
#[derive(Debug, Clone, Copy)]
pub struct FaultInfo {
    /// Second part of the code: `ELEMENT-TOO-LONG`.
    pub name: &'static str,
    /// How bad by itself.
    pub severity: Severity,
    /// Which acknowledgment it may move.
    pub effect: Effect,
    /// What it belongs to.
    pub level: Level,
    /// X12 code at its level (TA105, AK905, AK502, AK304 or AK403), empty when X12 has none.
    pub x12: &'static str,
    /// EDIFACT code (data element 0085), empty when EDIFACT has none.
    pub edifact: &'static str,
    /// The fault in three words or so, lower case.
    pub title: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

macro_rules! faults {
    ($($variant:ident $name:literal $severity:ident $effect:ident $level:ident $x12:literal $edifact:literal
       $title:literal, $meaning:literal, $remedy:literal;)+) => {
        /// A fault of the closed list; its row is [`Fault::info`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Fault { $(#[doc = $meaning] $variant,)+ }

        impl Fault {
            /// Every fault, in the order of the list.
            pub const ALL: &'static [Fault] = &[$(Fault::$variant,)+];

            /// The row of this fault.
            #[must_use]
            pub fn info(self) -> &'static FaultInfo {
                match self {
                    $(Fault::$variant => &FaultInfo {
                        name: $name, severity: Severity::$severity, effect: Effect::$effect, level: Level::$level,
                        x12: $x12, edifact: $edifact, title: $title, meaning: $meaning, remedy: $remedy,
                    },)+
                }
            }
        }
    };
}

faults! {
    // The whole input.
    FormatUnknown "FORMAT-UNKNOWN" Error Syntax Interchange "" "" "format not recognised", "The bytes begin like no format this installation knows.", "Send an X12 interchange (ISA…) or an EDIFACT interchange (UNA or UNB…), or say what it is (--as STANDARD/VERSION/TYPE, `document` of its channel). A table or JSON of your own wants a definition: see docs/FORMATS.md; `portolan standards infer FILE` drafts that of a table.";
    InputEmpty "INPUT-EMPTY" Error Syntax Interchange "" "" "nothing to read", "The input has no bytes, or only blanks.", "Check what the sender's export wrote.";
    Junk "JUNK" Warning Syntax Interchange "" "" "bytes outside any interchange", "Between or around interchanges stand bytes that belong to none.", "Remove what the transport or an editor added around the interchange.";
    CharacterEncoding "CHARACTER-ENCODING" Warning Syntax Interchange "" "21" "characters not in the declared set", "The bytes are not of the character set that the envelope declares.", "Declare the character set that is really written, or write the declared one.";
    LineEndings "LINE-ENDINGS" Warning Syntax Interchange "" "" "line breaks inside segments", "Line breaks stand inside segments, as when a file was wrapped to a fixed line length.", "Send the interchange unwrapped.";
    SegmentTooBig "SEGMENT-TOO-BIG" Error Syntax Interchange "024" "18" "segment over the limit", "A segment is longer, or has more elements, than the named limit allows; often a wrong terminator.", "Check the segment terminator; raise the limit if the segment is meant.";
    // Interchange envelope.
    InterchangeHeaderLength "INTERCHANGE-HEADER-LENGTH" Warning Syntax Interchange "" "" "ISA of odd length", "The ISA segment has fixed widths and 106 characters; this one has another length, so it was read by its separators.", "Pad each ISA element to its fixed width.";
    InterchangeHeader "INTERCHANGE-HEADER" Error Syntax Interchange "022" "13" "interchange header unusable", "The header segment is cut off or lacks what is needed to read on.", "Send a complete ISA or UNB segment.";
    SeparatorInvalid "SEPARATOR-INVALID" Error Syntax Interchange "026" "20" "separators clash", "Two separators are the same character, or one is a letter, a digit or a blank.", "Use different, unused characters as separators.";
    TerminatorInvalid "TERMINATOR-INVALID" Error Syntax Interchange "004" "20" "segment terminator invalid", "The segment terminator is a letter, a digit or a blank, or one of the separators.", "End segments with a character that stands nowhere else, as a rule ~.";
    InterchangeTrailerMissing "INTERCHANGE-TRAILER-MISSING" Error Syntax Interchange "023" "13" "interchange trailer missing", "The interchange has no IEA or UNZ: it was cut off, or the trailer was never written.", "Ask for the whole interchange again.";
    InterchangeCount "INTERCHANGE-COUNT" Error Syntax Interchange "021" "29" "count in the interchange trailer wrong", "The trailer's count of groups or documents is not what was received.", "Check whether part of the interchange is missing, else correct the count.";
    InterchangeReference "INTERCHANGE-REFERENCE" Error Syntax Interchange "001" "28" "control numbers of header and trailer differ", "The control number in the trailer is not the one in the header.", "Write the header's control number in the trailer.";
    InterchangeElement "INTERCHANGE-ELEMENT" Error Syntax Interchange "024" "12" "interchange header element invalid", "An element of the interchange header is missing or has a value the standard does not allow.", "Correct the element.";
    InterchangeVersion "INTERCHANGE-VERSION" Error Syntax Interchange "017" "2" "syntax version not supported", "The envelope's version or syntax level is not one this installation reads.", "Use X12 00200 to 00801, or EDIFACT syntax 1 to 4.";
    InterchangeDate "INTERCHANGE-DATE" Error Syntax Interchange "014" "12" "date in the header invalid", "The date of preparation is not a date.", "Write YYMMDD (or CCYYMMDD in EDIFACT syntax 4).";
    InterchangeTime "INTERCHANGE-TIME" Error Syntax Interchange "015" "12" "time in the header invalid", "The time of preparation is not a time of day.", "Write HHMM.";
    InterchangeControlNumber "INTERCHANGE-CONTROL-NUMBER" Error Syntax Interchange "018" "12" "control number invalid", "The interchange control number is empty or not of the form the standard asks for.", "X12: nine digits; EDIFACT: 1 to 14 characters.";
    InterchangeDuplicate "INTERCHANGE-DUPLICATE" Error Syntax Interchange "025" "26" "interchange received before", "An interchange with the same parties and control number was received before.", "Use a new control number for new content.";
    InterchangeReceiver "INTERCHANGE-RECEIVER" Error Syntax Interchange "009" "7" "addressed to somebody else", "The interchange names another receiver than the agreement says.", "Send it to the receiver it names, or correct the receiver's id.";
    InterchangeMixed "INTERCHANGE-MIXED" Error Syntax Interchange "024" "30" "documents inside and outside groups", "An interchange has either groups or documents at its top level, never both.", "Put all documents into groups, or none.";
    InterchangeContent "INTERCHANGE-CONTENT" Error Syntax Interchange "024" "33" "segment in the wrong place of the envelope", "A segment stands outside any document, or an envelope segment stands where none may.", "Check the order of envelope segments.";
    InterchangeEmpty "INTERCHANGE-EMPTY" Error Syntax Interchange "024" "32" "interchange without documents", "Between header and trailer of the interchange stands no document.", "Check what the sender's export wrote; send at least one document.";
    InterchangeUnsupported "INTERCHANGE-UNSUPPORTED" Error Syntax Interchange "" "2" "kind of interchange not supported", "Interactive interchanges (UIB to UIZ) are not processed.", "Send a batch interchange (UNB to UNZ).";
    // Group.
    GroupTrailerMissing "GROUP-TRAILER-MISSING" Error Syntax Group "3" "13" "group trailer missing", "The group has no GE or UNE.", "End the group with its trailer.";
    GroupReference "GROUP-REFERENCE" Error Syntax Group "4" "28" "group control numbers differ", "The control number in the group trailer is not the one in its header.", "Write the header's number in the trailer.";
    GroupCount "GROUP-COUNT" Error Syntax Group "5" "29" "count in the group trailer wrong", "The trailer's count of documents is not what was received.", "Check whether documents are missing, else correct the count.";
    GroupElement "GROUP-ELEMENT" Error Syntax Group "6" "12" "group header element invalid", "An element of the group header is missing or malformed.", "Correct the element.";
    GroupUnsupported "GROUP-UNSUPPORTED" Error Syntax Group "1" "12" "group type not known", "The functional identifier of the group is not one of the standard.", "Write the identifier of the documents in it, such as PO for an 850.";
    GroupVersion "GROUP-VERSION" Error Syntax Group "2" "2" "group version not supported", "The version in the group header is not known.", "Use a version this installation has definitions for.";
    // Document envelope.
    DocumentTypeUnknown "DOCUMENT-TYPE-UNKNOWN" Error Syntax Document "1" "14" "document type not known", "No definition of this document type is installed.", "Check the type; list what is known with `portolan standards list`.";
    DefinitionMalformed "DEFINITION-MALFORMED" Error Syntax Document "1" "14" "definition cannot be read", "The definition of this document type is one of this installation's own files, and the file is wrong; nothing was checked.", "Mend the file at the place that is named; the sender need do nothing.";
    VersionNearest "VERSION-NEAREST" Warning Syntax Document "" "" "version not installed", "This version of the document, or a mapping of it, is not installed; the nearest one was used.", "Import the version with `portolan standards import`; write a mapping of it if the nearest one does not do.";
    DocumentTrailerMissing "DOCUMENT-TRAILER-MISSING" Error Syntax Document "2" "13" "document trailer missing", "The document has no SE or UNT.", "End the document with its trailer.";
    DocumentReference "DOCUMENT-REFERENCE" Error Syntax Document "3" "28" "document control numbers differ", "The control number in the document trailer is not the one in its header.", "Write the header's number in the trailer.";
    DocumentCount "DOCUMENT-COUNT" Error Syntax Document "4" "29" "segment count wrong", "The trailer's count of segments is not what was received.", "Check whether segments are missing, else correct the count.";
    DocumentControlNumber "DOCUMENT-CONTROL-NUMBER" Error Syntax Document "7" "12" "document control number invalid", "The document control number is missing or malformed.", "Give each document of a group its own number of 4 to 9 (X12) or 1 to 14 (EDIFACT) characters.";
    DocumentControlNumberRepeated "DOCUMENT-CONTROL-NUMBER-REPEATED" Error Syntax Document "23" "26" "document control number used twice", "Two documents of the same group have the same control number.", "Number the documents of a group without repeats.";
    DocumentGroup "DOCUMENT-GROUP" Error Syntax Document "6" "31" "document in the wrong group", "The functional identifier of the group does not fit the document type.", "Put the document in a group of its own kind.";
    InterchangeIncomplete "INTERCHANGE-INCOMPLETE" Error Syntax Document "" "18" "another document of its interchange has errors", "It was agreed that an interchange goes on with all of its documents or with none, and another one has errors.", "Correct the document that is named, and send the whole interchange again.";
    FindingsMany "FINDINGS-MANY" Error Syntax Document "5" "18" "more findings than are kept", "So much is wrong that the findings from here on are not kept; the verdict counts them.", "Mend what is told and check again; so many findings have one cause, such as a wrong terminator or document type.";
    GuideFindingsMany "GUIDE-FINDINGS-MANY" Error Guide Document "" "" "more findings of the guide than are kept", "The document breaks the partner's guide so often that the findings from here on are not kept; the verdict counts them.", "Mend what is told and check again; so many findings have one cause, such as a guide of another document.";
    DocumentSegments "DOCUMENT-SEGMENTS" Error Syntax Document "5" "32" "document without content", "The document has no segments between header and trailer.", "Send the content.";
    // Segments.
    SegmentUnknown "SEGMENT-UNKNOWN" Error Syntax Segment "1" "15" "segment not known", "The standard and version have no segment of this tag.", "Check the tag, and the segment terminator before it.";
    SegmentUnexpected "SEGMENT-UNEXPECTED" Error Syntax Segment "2" "15" "segment not expected here", "The document type has no place for this segment at this point.", "Move it to its place, or remove it; check that the loop it belongs to has begun.";
    SegmentForeign "SEGMENT-FOREIGN" Error Syntax Segment "6" "15" "segment not of this document type", "The standard has this segment, but not in this document type.", "Remove the segment, or use the document type it belongs to.";
    SegmentMissing "SEGMENT-MISSING" Error Syntax Segment "3" "13" "mandatory segment missing", "A segment that must stand here does not.", "Write the segment.";
    LoopTooMany "LOOP-TOO-MANY" Error Syntax Segment "4" "36" "loop occurs too often", "The loop occurs more often than the standard allows.", "Send the rest in another document.";
    SegmentTooMany "SEGMENT-TOO-MANY" Error Syntax Segment "5" "35" "segment occurs too often", "The segment occurs more often than the standard allows here.", "Remove or regroup the surplus.";
    SegmentOutOfOrder "SEGMENT-OUT-OF-ORDER" Error Syntax Segment "7" "15" "segment out of order", "The document type has this segment, but not after the one before it.", "Put the segment in the order of the standard.";
    SegmentEmpty "SEGMENT-EMPTY" Error Syntax Segment "8" "15" "segment without content", "The segment has a tag only, or no tag at all.", "Leave the segment out.";
    SegmentTag "SEGMENT-TAG" Error Syntax Segment "1" "15" "segment tag malformed", "A tag is two or three upper-case letters or digits, the first a letter (EDIFACT: three letters).", "Check the terminator before it and the spelling.";
    // Trees of segments.
    HierarchyNumber "HIERARCHY-NUMBER" Error Syntax Element "7" "12" "number of the tree used twice", "Two HL (or CPS) segments of the document have the same number, so that those below cannot say whose they are.", "Number the segments 1, 2, 3 … through the document.";
    HierarchyParent "HIERARCHY-PARENT" Error Syntax Element "7" "12" "parent in the tree missing", "The segment names as its parent a number that none before it has.", "Name the number of the segment it stands under; parents come before children.";
    HierarchyCircle "HIERARCHY-CIRCLE" Error Syntax Element "7" "12" "tree turns in a circle", "The way up from the segment leads back to itself.", "Name the number of the segment it stands under; parents come before children.";
    HierarchyLevel "HIERARCHY-LEVEL" Warning Syntax Element "7" "12" "level in the wrong place of the tree", "The level does not stand where the structure code of the document (BSN05) says.", "Correct the level, its parent, or the structure code.";
    HierarchyChild "HIERARCHY-CHILD" Warning Syntax Element "7" "12" "has-child code wrong", "The code says that others stand below, and none does, or the other way round.", "Write 1 where others stand below, else 0, or leave it out.";
    LoopBounds "LOOP-BOUNDS" Error Syntax Element "7" "" "loop trailer names another loop", "LE01 is not the name that LS01 gave the loop where it began.", "Write the same name in both.";
    // Elements.
    ElementMissing "ELEMENT-MISSING" Error Syntax Element "1" "13" "mandatory element missing", "An element or component that must be filled is empty.", "Fill it.";
    ElementCondition "ELEMENT-CONDITION" Error Syntax Element "2" "13" "condition between elements broken", "A rule that ties elements of the segment together is not met.", "Fill or empty the elements as the rule says.";
    ElementExclusion "ELEMENT-EXCLUSION" Error Syntax Element "10" "15" "elements exclude each other", "At most one of some elements may be filled, and more are.", "Leave all but one of them empty, as the rule says.";
    ElementTooMany "ELEMENT-TOO-MANY" Error Syntax Element "3" "16" "too many elements", "The segment has more elements, or the composite more components, than the standard knows.", "Remove the surplus, or check for an unreleased separator in a value.";
    ElementTooShort "ELEMENT-TOO-SHORT" Error Syntax Element "4" "40" "element too short", "The value has fewer characters than the minimum.", "Pad or correct the value.";
    ElementTooLong "ELEMENT-TOO-LONG" Error Syntax Element "5" "39" "element too long", "The value has more characters than the maximum.", "Shorten the value.";
    ElementCharacter "ELEMENT-CHARACTER" Error Syntax Element "6" "37" "invalid character", "The value has a character that the element's type does not allow.", "Remove or replace the character.";
    CodeUnknown "CODE-UNKNOWN" Error Syntax Element "7" "12" "code not in the list", "The value is not in the element's code list.", "Use a code of the list: `portolan standards show` prints it.";
    ElementDate "ELEMENT-DATE" Error Syntax Element "8" "12" "date invalid", "The value is not a date of the calendar.", "Write CCYYMMDD (or YYMMDD).";
    ElementTime "ELEMENT-TIME" Error Syntax Element "9" "12" "time invalid", "The value is not a time of day.", "Write HHMM, optionally with seconds and hundredths.";
    ElementBlank "ELEMENT-BLANK" Warning Syntax Element "" "" "blanks where nothing is needed", "Trailing blanks, or an element filled with blanks only.", "Leave the element empty, or cut the blanks.";
    ElementTrailing "ELEMENT-TRAILING" Warning Syntax Element "" "" "trailing separators", "Empty elements at the end of a segment need no separators.", "Cut the trailing separators.";
    RepetitionTooMany "REPETITION-TOO-MANY" Error Syntax Element "12" "35" "element repeated too often", "The element is repeated more often than the standard allows.", "Remove the surplus repetitions.";
    // XML.
    MarkupMalformed "MARKUP-MALFORMED" Error Syntax Document "" "" "XML not well-formed", "The markup breaks the rules of XML, so that what follows cannot be read.", "Write the document with an XML library, not by hand.";
    MarkupEntity "MARKUP-ENTITY" Error Syntax Document "" "" "entity not allowed", "The document declares entities of its own, or uses one that XML does not know; none is ever resolved.", "Write the text itself, and only &amp; &lt; &gt; &quot; &apos; and character references.";
    NodeUnknown "NODE-UNKNOWN" Error Syntax Segment "" "" "element not known here", "The definition has no element of this name at this place.", "Remove it, move it to its place, or check its spelling and its namespace.";
    NodeMissing "NODE-MISSING" Error Syntax Segment "" "" "element missing", "An element that must stand here does not.", "Write the element.";
    NodeTooMany "NODE-TOO-MANY" Error Syntax Segment "" "" "element occurs too often", "The element occurs more often than its definition allows here.", "Remove the surplus; where only one may stand, the first counts.";
    NodeOutOfOrder "NODE-OUT-OF-ORDER" Error Syntax Segment "" "" "element out of order", "The elements of this place have an order, and this one comes too late.", "Put the element in the order of the definition.";
    NodeNamespace "NODE-NAMESPACE" Error Syntax Segment "" "" "element in another namespace", "The name is known here, but in another namespace.", "Declare the namespace of the standard for it.";
    NodeText "NODE-TEXT" Error Syntax Segment "" "" "text where none may stand", "The element holds other elements only.", "Put the text into one of them.";
    NodeEmpty "NODE-EMPTY" Warning Syntax Element "" "" "element without content", "The element stands there and says nothing.", "Leave it out, or write its value.";
    NodeValue "NODE-VALUE" Error Syntax Element "" "" "value of the wrong form", "The text is no value of the kind that its definition asks for.", "Write it in the form that is named.";
    AttributeUnknown "ATTRIBUTE-UNKNOWN" Error Syntax Element "" "" "attribute not known here", "The definition has no attribute of this name at this element.", "Remove it, or check its spelling.";
    AttributeMissing "ATTRIBUTE-MISSING" Error Syntax Element "" "" "attribute missing", "An attribute that the element must have is not there.", "Write the attribute.";
    // Tables, lines of fixed width, JSON.
    RowRagged "ROW-RAGGED" Error Syntax Segment "" "" "wrong number of columns", "The row has more or fewer columns than the file has.", "Look for a delimiter that is missing, or one in a value that needs quotes.";
    ColumnsTooMany "COLUMNS-TOO-MANY" Error Syntax Segment "" "" "more columns than are read", "The row has more columns than any table that is read here.", "Check delimiter and line ends.";
    LineTooLong "LINE-TOO-LONG" Error Syntax Segment "" "" "line too long", "The line is longer than any that is read here.", "Check line ends and quotes.";
    QuoteUnclosed "QUOTE-UNCLOSED" Error Syntax Element "" "" "quote not closed", "A value begins with a quote, and no quote ends it.", "Close the quote, or double it where it is part of the value.";
    QuoteStray "QUOTE-STRAY" Error Syntax Element "" "" "text behind a closing quote", "A value goes on behind the quote that ends it.", "Put all of the value into quotes, and double those inside.";
    ColumnUnknown "COLUMN-UNKNOWN" Warning Syntax Interchange "" "" "column not known", "The first line names a column that the definition does not have; nothing of it is read.", "Correct its title, or add the column to the definition.";
    ColumnMissing "COLUMN-MISSING" Error Syntax Interchange "" "" "column missing", "The first line does not name a column that must be there.", "Add the column, or correct its title.";
    ColumnTwice "COLUMN-TWICE" Error Syntax Interchange "" "" "column named twice", "The first line names a column that stands before it already.", "Name each column once.";
    RecordUnknown "RECORD-UNKNOWN" Error Syntax Segment "" "" "type of record not known", "The definition has no record of this type.", "Correct the type, or add the record to the definition.";
    RecordMisplaced "RECORD-MISPLACED" Error Syntax Segment "" "" "record not allowed here", "The record is known, and the one that it stands in is not open.", "Put it behind the record that it belongs to.";
    RecordOutOfOrder "RECORD-OUT-OF-ORDER" Error Syntax Segment "" "" "record out of order", "The records of this place have an order, and this one comes too late.", "Put the record in the order of the definition.";
    RecordTooMany "RECORD-TOO-MANY" Error Syntax Segment "" "" "record occurs too often", "The record occurs more often than its definition allows here.", "Remove the surplus.";
    RecordMissing "RECORD-MISSING" Error Syntax Segment "" "" "record missing", "A record that must stand here does not.", "Write the record.";
    RecordShort "RECORD-SHORT" Error Syntax Segment "" "" "record too short", "The line ends before the place where its own fields begin.", "Write the whole record; blanks at its end may be left out.";
    RecordLong "RECORD-LONG" Error Syntax Segment "" "" "record too long", "Something stands behind the last field of the record.", "Cut it off, or add the field to the definition.";
    ValueMissing "VALUE-MISSING" Error Syntax Element "" "" "value missing", "A field that must be filled is empty.", "Fill it.";
    ValueForm "VALUE-FORM" Error Syntax Element "" "" "value of another form", "The text is no value of the kind, or not written in the way, that the definition asks for.", "Write it in the form that is named.";
    ValueLength "VALUE-LENGTH" Error Syntax Element "" "" "value too long or too short", "The value has more or fewer characters than the definition allows.", "Shorten or correct the value.";
    JsonMalformed "MALFORMED" Error Syntax Document "" "" "JSON not well-formed", "The text breaks the rules of JSON, so that what follows cannot be read.", "Write the document with a JSON library, not by hand.";
    MemberTwice "MEMBER-TWICE" Error Syntax Element "" "" "member named twice", "An object has two members of one name; programs differ in which they take.", "Write each member once.";
    MemberUnknown "MEMBER-UNKNOWN" Warning Syntax Element "" "" "member not known here", "The definition has no member of this name at this place; nothing of it is read.", "Correct its name, or add it to the definition.";
    KeyAgain "KEY-AGAIN" Error Syntax Document "" "" "rows of one key apart", "Rows of this key stood before, and others between.", "Sort the file by its key.";
    KeyDiffers "KEY-DIFFERS" Error Syntax Element "" "" "rows of one key differ", "A value that is the document's is not the same in all rows of it.", "Repeat the value as it is, or give the row another key.";
    PartiesDiffer "PARTIES-DIFFER" Error Syntax Document "" "" "other parties than the file's", "A document of the file is between other parties than the first one.", "Send a file for each pair of parties.";
    // Guide and business.
    GuideUsage "GUIDE-USAGE" Error Guide Element "" "" "not as the guide says", "Something is missing, or is there, or stands too often, against the partner's guide.", "See the rule named in the finding.";
    GuideCode "GUIDE-CODE" Error Guide Element "" "" "value not one of the guide's", "The standard has the value, the partner's guide has not.", "Use a value that the guide names: `portolan guide render` prints it.";
    GuideLength "GUIDE-LENGTH" Error Guide Element "" "" "length not as the guide says", "The partner's guide wants a value of another length than the standard allows.", "Shorten or pad the value as the guide says.";
    GuideCondition "GUIDE-CONDITION" Error Guide Segment "" "" "condition of the guide broken", "A condition that the partner's guide adds to the standard is not met.", "See the sentence in the finding; it is the partner's.";
    SumDiffers "SUM-DIFFERS" Error Business Document "" "" "sent total differs from the computed one", "A total, count or hash in the document is not the sum of its lines.", "Correct the lines or the total; both values are named.";
    QuantityDiffers "QUANTITY-DIFFERS" Warning Business Document "" "" "answered quantity is not the ordered one", "The answers to a line do not make up what was ordered.", "Ask the seller what becomes of the difference; both values are named.";
    StatusDiffers "STATUS-DIFFERS" Warning Business Document "" "" "status of a line is not the document's", "The document is accepted or rejected as a whole, and a line says otherwise.", "Ask the sender which one counts.";
    DateOrder "DATE-ORDER" Warning Business Document "" "" "days in the wrong order", "Something is dated before what it follows from.", "Ask the sender which day is right.";
    OriginMissing "ORIGIN-MISSING" Warning Business Document "" "" "earlier document not known", "The document answers one that is not in the ledger, so that nothing of it can be echoed.", "Check the number; send the earlier document through, or let the mapping go on without it.";
    OriginLine "ORIGIN-LINE" Warning Business Document "" "" "line not found in the earlier document", "No line of the document that is answered fits this line, so that nothing of it can be echoed.", "Check line number and item ids.";
    FieldsDisagree "FIELDS-DISAGREE" Warning Business Document "" "" "fields do not agree", "Two fields of the document cannot both be right, such as a due date before the date of issue.", "Ask the sender which of the two is meant.";
    CheckDigit "CHECK-DIGIT" Warning Business Element "" "" "check digit wrong", "The last digit of the number does not follow from the others (GS1, modulo 10).", "Look the number up; it was mistyped or cut.";
    FieldMissing "FIELD-MISSING" Warning Business Document "" "" "field missing", "A usable document of this kind has this field, and this one has not.", "Ask the sender for it, or let the agreement supply it.";
    LookupMissing "LOOKUP-MISSING" Warning Business Element "" "" "not in the lookup table", "A mapping looks the value up in a table, and the table has no row for it.", "Add the row and apply; `portolan lookups` lists what is missing.";
    ReferenceUnknown "REFERENCE-UNKNOWN" Error Business Document "" "" "refers to nothing", "A line names a package or an order, or a package another one, that is not in the document or cannot be meant.", "Correct the reference, or send what it refers to.";
    ReferenceTwice "REFERENCE-TWICE" Error Business Document "" "" "number used twice", "A number that names one thing in the world, such as an SSCC, stands at two things of the document.", "Give each package its own number; a pack that belongs to an item can hold no other item.";
    DroppedByRule "DROPPED-BY-RULE" Info Business Document "" "" "not taken by a route", "A route takes documents under a condition only, or a step of its transformations drops this one.", "Nothing, where that is meant; else change the condition or the step.";
    CheckFailed "CHECK-FAILED" Error Business Document "" "" "check of a transformation failed", "Something that a transformation on the route checks does not hold.", "See what is expected in the finding; the transformation on the route asks for it.";
    TransformationFailed "TRANSFORMATION-FAILED" Error Business Document "" "" "step of a transformation failed", "A step of a transformation on the route could not be done, so that nothing went on.", "Correct the value or the step named in the finding, and send the document through again.";
    Split "SPLIT" Info Business Document "" "" "one of several that the document became", "The agreement wants the document cut into several, and this is one of them.", "Nothing need be done; the others are told beside it.";
    SplitKey "SPLIT-KEY" Error Business Document "" "" "cannot be split by this", "The agreement wants a document for each value of a field, and a line has no such value, or several.", "Ask the sender to say it once in each line, or split the document by something else.";
    SplitWhole "SPLIT-WHOLE" Error Business Document "" "" "cannot be said of a part", "The agreement wants the document cut into several, and it says something of all lines together that is true of no part.", "Send the document whole, or let the agreement leave it out: `of_the_whole: leave_out`.";
    SplitLimit "SPLIT-LIMIT" Error Business Document "" "" "too many parts", "Cut as the agreement says, the document would become more documents than one commit writes.", "Let more lines stand in one (`lines_max`), or split it by something that has fewer values.";
    SplitNumber "SPLIT-NUMBER" Error Business Document "" "" "parts of one number", "The template of the agreement gives two parts of the document the same number, or cannot give one to a part.", "Put {part} into the template, which no two parts have in common.";
    MappingLoss "MAPPING-LOSS" Warning Business Document "" "" "value has no home in the target", "A value of the source could not be written to the target.", "See `portolan mappings losses`; extend the mapping if the value matters.";
    MappingMissing "MAPPING-MISSING" Error Business Document "" "" "no mapping", "There is no rule file between this document type and the entity.", "See `portolan mappings list`; write a mapping or choose another target.";
    MappingValue "MAPPING-VALUE" Error Business Element "" "" "value cannot be mapped", "A mapping rule could not turn the value into the form the other side needs.", "Correct the value or the rule named in the finding.";
}

#[cfg(test)]
mod tests {
    use super::Fault;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique_and_sentences_end() {
        let mut seen = HashSet::new();
        for fault in Fault::ALL {
            let info = fault.info();
            assert!(seen.insert(info.name), "{} twice", info.name);
            assert!(info.meaning.ends_with('.') && info.remedy.ends_with('.'), "{}", info.name);
        }
    }
}
