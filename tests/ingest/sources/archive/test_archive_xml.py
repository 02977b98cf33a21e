"""XML answers (cosec=1) and VOEvents."""

import gzip

import pytest

from ingest.sources.archive import xml_form
from ingest.sources.archive.streams import CHUNK, PAGE_CHARACTERS, UnreadableError

ANSWER = """
<html>
<body>
  <result>
    <param name="event_type">
        AR
    </param>
    <param name="meanphotoenergydensity"></param>
    <param name="event_title">a &lt;b&gt; &amp; c</param>
    <param name="SOL_standard">SOL1</param>
    <param name="ref_2_url">http://two</param>
    <param name="ref_2_name">two</param>
    <param name="ref_10_type">image</param>
    <param name="ref_1_name">one</param>
  </result>
  <association first_id="1" first_ivorn="ivo://a&amp;b" edge_type="splits_into" strength="1.0"/>
</body>
</html>
"""
RECORD = {
    "event_type": "AR",
    "meanphotoenergydensity": "",
    "event_title": "a <b> & c",
    "SOL_standard": "SOL1",
    "refs": [
        {"ref_name": "one", "ref_type": "", "ref_url": ""},
        {"ref_name": "two", "ref_type": "", "ref_url": "http://two"},
        {"ref_name": "", "ref_type": "image", "ref_url": ""},
    ],
}
EDGE = {"first_id": "1", "first_ivorn": "ivo://a&b", "edge_type": "splits_into", "strength": "1.0"}


def test_an_answer(read, put) -> None:
    whole = read(put("a.xml", ANSWER))
    assert (whole.records, whole.associations, whole.rejected) == ([RECORD], [EDGE], [])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1"])
def test_encodings(read, put, encoding) -> None:
    declared = "" if encoding == "utf-8-sig" else f'<?xml version="1.0" encoding="{encoding}"?>'
    text = declared + ANSWER.replace("SOL1", "Sk\u00e5ne").lstrip()
    assert read(put("a.xml", text.encode(encoding))).records[0]["SOL_standard"] == "Sk\u00e5ne"


def test_a_wrong_declaration_does_no_harm(read, put) -> None:
    for name in ("utf-16", "nonsense", "zip"):
        body = f'<?xml version="1.0" encoding="{name}"?>{ANSWER}'
        assert read(put("a.xml", body)).records == [RECORD]


def test_characters_that_are_no_xml_are_replaced(read, put) -> None:
    body = ANSWER.encode().replace(b"SOL1", b"a\0b\x1bc\xffd\xef\xbf\xbf")
    assert read(put("a.xml", body)).records[0]["SOL_standard"] == "a\ufffdb\ufffdc\ufffdd\ufffd"


def test_an_empty_answer(read, put) -> None:
    whole = read(put("a.xml", "<html>\n<body>\n</body></html>"))
    assert (whole.records, whole.rejected) == ([], [])


def test_a_result_of_other_things_is_rejected_and_the_rest_goes_on(read, put) -> None:
    text = ANSWER.replace("<result>", "<result><b>bold</b></result><result><param>x</param></result><result>")
    whole = read(put("a.xml", text))
    assert whole.records == [RECORD]
    assert ["<b>bold</b>" in r.payload for r in whole.rejected] == [True, False]
    assert all("named params" in r.reason for r in whole.rejected)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<html><body><h1>503 Service Unavailable</h1></body></html>", "it holds <h1>"),
        ("<html><body>The server is busy.</body></html>", "it holds The server is busy."),
        ("<svg xmlns='http://www.w3.org/2000/svg'/>", "it holds <svg>"),
        ("<html><body><p>one<br>two</body></html>", "broken XML"),
        ("<!DOCTYPE html><html><body></body></html>", "DTD"),
    ],
)
def test_other_documents_are_refused(put, read_until_failure, text, reason) -> None:
    assert reason in read_until_failure(put("a.xml", text))[1]


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))


@pytest.mark.parametrize(
    "dtd",
    [
        f'<!DOCTYPE html [<!ENTITY l0 "ha">{LAUGHS}]>',
        '<!DOCTYPE html [<!ENTITY l11 SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE html [<!ENTITY % p SYSTEM "http://127.0.0.1:1/x.dtd"> %p;]>',
        '<!DOCTYPE html SYSTEM "http://127.0.0.1:1/x.dtd">',
    ],
)
def test_entities_of_any_kind_are_refused(put, read_until_failure, dtd) -> None:
    whole, message = read_until_failure(put("a.xml", dtd + ANSWER.replace("SOL1", "&l11;")))
    assert whole.records == []
    assert "DTD" in message


def test_a_document_cut_off_gives_what_is_complete_and_fails(put, read_until_failure) -> None:
    twice = (
        ANSWER.replace("</body>", "").replace("</html>", "").rstrip() + ANSWER[ANSWER.index("<body>") + 6 :]
    )
    for cut in (len(twice) // 2 + 200, twice.rindex("</body>"), len(twice) - 5):
        whole, message = read_until_failure(put("a.xml", twice[:cut]))
        assert whole.records[0] == RECORD
        assert "ends in the middle" in message


def test_memory_stays_bounded_in_an_endless_file() -> None:
    item = ANSWER[ANSWER.index("<result>") : ANSWER.index("<association")]
    chunk = item * (CHUNK // len(item))
    read_so_far = 0

    def endless():
        nonlocal read_so_far
        yield "<html><body>"
        while True:
            read_so_far += len(chunk)
            yield chunk

    for page, _ in enumerate(xml_form.pages(endless(), lambda _: True)):
        assert read_so_far < (page + 1) * PAGE_CHARACTERS
        if page == 5:
            break


def test_an_endless_record_is_given_up() -> None:
    def endless():
        yield '<html><body><result><param name="event_title">'
        while True:
            yield "x" * 2**20

    with pytest.raises(UnreadableError, match="a single record exceeds"):
        list(xml_form.pages(endless(), lambda _: True))


# --- VOEvents

VOEVENT = """<?xml version="1.0" encoding="UTF-8"?>
<voe:VOEvent ivorn="ivo://helio-informatics.org/FL_Test_20120101_000000" role="observation" version="1.1"
 xmlns:voe="http://www.ivoa.net/xml/VOEvent/v1.1" xmlns:stc="http://www.ivoa.net/xml/STC/stc-v1.30.xsd"
 xmlns:lmsal="http://www.lmsal.com/helio-informatics/lmsal-v1.0.xsd"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
 xsi:schemaLocation="http://www.ivoa.net/xml/VOEvent/v1.1 http://www.lmsal.com/helio-informatics/VOEvent-v1.1.xsd">
  <Who>
    <AuthorIVORN>ivo://helio-informatics.org</AuthorIVORN>
    <Author><contactName>A. Person</contactName></Author>
    <Date>2012-01-02T03:04:05</Date>
    <lmsal:KB_ARCHIVIST>person</lmsal:KB_ARCHIVIST>
    <lmsal:KB_ARCHIVURL>http://archive/1</lmsal:KB_ARCHIVURL>
  </Who>
  <What>
    <lmsal:EVENT_NPIXELS>12</lmsal:EVENT_NPIXELS>
    <Group name="Flare_required"><Param name="FL_GOESCls" value="M1.5"/></Group>
    <Group name="Flare_optional">
      <Param name="AR_NOAANum" value="11389"/><Param name="My_Own" value="7"/>
      <Param name="FL_PeakFlux" value=""/>
    </Group>
    <Description/>
  </What>
  <WhereWhen>
    <ObsDataLocation xmlns="http://www.ivoa.net/xml/STC/stc-v1.30.xsd">
      <ObservatoryLocation><AstroCoords coord_system_id="UTC-GEOD-TOPO"/></ObservatoryLocation>
      <ObservationLocation id="obs">
        <AstroCoordSystem/>
        <AstroCoords coord_system_id="UTC-HPC-TOPO">
          <Time><TimeInstant><ISOTime>2012-01-01T00:00:00</ISOTime></TimeInstant></Time>
          <Position2D unit="arcsec,arcsec">
            <Value2><C1>-100.5</C1><C2>200</C2></Value2><Error2><C1>1</C1><C2>2.5</C2></Error2>
          </Position2D>
        </AstroCoords>
        <AstroCoordArea coord_system_id="UTC-HPC-TOPO">
          <TimeInterval>
            <StartTime><ISOTime>2012-01-01T00:00:00</ISOTime></StartTime>
            <StopTime><ISOTime>2012-01-01T00:30:00</ISOTime></StopTime>
          </TimeInterval>
          <Box2><Center><C1>-100.5</C1><C2>200</C2></Center><Size><C1>51</C1><C2>40.5</C2></Size></Box2>
        </AstroCoordArea>
      </ObservationLocation>
    </ObsDataLocation>
    <Group name="Flare_optional">
      <Param name="Bound_ChainCode" value="-120,180,-80,180,-80,220,-120,180"/>
    </Group>
  </WhereWhen>
  <How>
    <lmsal:data><lmsal:OBS_Observatory>SDO</lmsal:OBS_Observatory><lmsal:OBS_MeanWavel>171</lmsal:OBS_MeanWavel></lmsal:data>
    <lmsal:method><lmsal:FRM_Name> Test Module </lmsal:FRM_Name></lmsal:method>
  </How>
  <Why expires="2030-01-01T00:00:00">
    <Inference probability="0.9"/>
    <Concept>Flare</Concept>
    <lmsal:EVENT_TYPE>FL: Flare</lmsal:EVENT_TYPE>
    <Description>Seen &amp; believed</Description>
  </Why>
  <Reference name="FRM_URL" type="url" uri="http://frm"/>
  <Reference name="movie" uri="http://movie"/>
  <Citations>
    <EventIVORN action="followup">ivo://x/before</EventIVORN>
    <EventIVORN action="followup"/>
    <EventIVORN cite="supersedes">ivo://x/old</EventIVORN>
  </Citations>
</voe:VOEvent>
"""
FLARE = {
    "kb_archivid": "ivo://helio-informatics.org/FL_Test_20120101_000000",
    "kb_archivdate": "2012-01-02T03:04:05",
    "kb_archivist": "person",
    "kb_archivurl": "http://archive/1",
    "concept": "Flare",
    "event_type": "FL",
    "event_description": "Seen & believed",
    "event_expires": "2030-01-01T00:00:00",
    "event_probability": "0.9",
    "event_npixels": "12",
    "fl_goescls": "M1.5",
    "ar_noaanum": "11389",
    "my_own": "7",
    "event_coordsys": "UTC-HPC-TOPO",
    "event_coordunit": "arcsec,arcsec",
    "event_coord1": "-100.5",
    "event_coord2": "200",
    "event_c1error": "1",
    "event_c2error": "2.5",
    "event_starttime": "2012-01-01T00:00:00",
    "event_endtime": "2012-01-01T00:30:00",
    "boundbox_c1ll": "-126.0",
    "boundbox_c1ur": "-75.0",
    "boundbox_c2ll": "179.75",
    "boundbox_c2ur": "220.25",
    "bound_chaincode": "-120,180,-80,180,-80,220,-120,180",
    "obs_observatory": "SDO",
    "obs_meanwavel": "171",
    "frm_name": "Test Module",
    "refs": [
        {"ref_name": "FRM_URL", "ref_type": "url", "ref_url": "http://frm"},
        {"ref_name": "movie", "ref_type": "", "ref_url": "http://movie"},
    ],
}
CITED = [
    {
        "first_ivorn": "ivo://x/before",
        "second_ivorn": FLARE["kb_archivid"],
        "edge_type": "is_followed_by",
    },
    {"first_ivorn": FLARE["kb_archivid"], "second_ivorn": "ivo://x/old", "edge_type": "supersedes"},
]


@pytest.mark.parametrize("name", ["a.xml", "a.voevent", "a.voevent.xml"])
def test_a_voevent(read, put, name) -> None:
    whole = read(put(name, VOEVENT))
    assert whole.records == [FLARE]
    assert whole.associations == CITED


def test_several_voevents_in_one_document_packed(read, put) -> None:
    one = VOEVENT[VOEVENT.index("<voe:") :]
    text = f"<VOEvents>{one}{one.replace('FL_Test_', 'FL_Other_')}</VOEvents>"
    whole = read(put("a.xml.gz", gzip.compress(text.encode())))
    assert [r["kb_archivid"].partition("_")[2][:5] for r in whole.records] == ["Test_", "Other"]
    assert whole.records[0] == FLARE


def test_own_names_take_precedence_and_an_instant_has_no_box(read, put) -> None:
    text = VOEVENT.replace(
        "<lmsal:EVENT_NPIXELS>12</lmsal:EVENT_NPIXELS>",
        "<lmsal:EVENT_STARTTIME>2012-01-01T00:00:01</lmsal:EVENT_STARTTIME>"
        "<lmsal:KB_ARCHIVID>ivo://own</lmsal:KB_ARCHIVID>",
    )
    start, end = text.index("<AstroCoordArea"), text.index("</ObservationLocation>")
    (record,) = read(put("a.xml", text[:start] + text[end:])).records
    assert record["event_starttime"] == "2012-01-01T00:00:01"
    assert record["kb_archivid"] == "ivo://own"
    assert not {"event_endtime", "boundbox_c1ll", "boundbox_c2ur"} & set(record)
    assert record["event_coord1"] == "-100.5"


def test_a_voevent_that_says_nothing_is_rejected(read, put) -> None:
    whole = read(put("a.xml", "<VOEvent><Who/><Why><Concept>Flare</Concept></Why></VOEvent>"))
    assert (whole.records, len(whole.rejected)) == ([], 1)
    assert "without ivorn and time" in whole.rejected[0].reason
