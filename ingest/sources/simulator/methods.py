"""The methods that report, with what stands in every record of each: as in real records where we have them.

Real records of SPoCA (AR), NOAA SWPC Observer, SWPC, SSW Latest Events and CACTus were the pattern. Of the
other methods only the names are certain; their constants are plausible.
"""

from typing import Any

from ingest.sources.simulator.sightings import Method


def _frm(  # noqa: PLR0917  six columns of a table
    name: str, identifier: str, institute: str, contact: str, url: str, paramset: str
) -> dict[str, Any]:
    return {
        "frm_name": name,
        "frm_identifier": identifier,
        "frm_institute": institute,
        "frm_contact": contact,
        "frm_url": url,
        "frm_paramset": paramset,
        "frm_humanflag": "false",
        "refs": [{"ref_name": "FRM_URL", "ref_type": "unknown", "ref_url": url}],
    }


def _obs(observatory: str, instrument: str, channel: str, wavelength: float) -> dict[str, Any]:
    """Observation; the mean wavelength is in cm, as in all real records."""
    return {
        "obs_observatory": observatory,
        "obs_instrument": instrument,
        "obs_channelid": channel,
        "obs_meanwavel": wavelength,
        "obs_wavelunit": "cm",
        "search_observatory": observatory,
        "search_instrument": instrument,
        "search_channelid": channel,
    }


def _hek(archivist: str, search_name: str) -> dict[str, Any]:
    return {"kb_archivist": archivist, "search_frm_name": search_name, "event_score": "0.0509090911315275008"}


_SPOCA_URL = "http://sdoatsidc.oma.be/web/sdoatsidc/SoftwareSPoCA"
_SPOCA_CONTACT = "veronique.delouille@sidc.be"
_SPOCA_AR: dict[str, Any] = {
    **_frm(
        "SPoCA",
        "vdelouille",
        "ROB",
        _SPOCA_CONTACT,
        _SPOCA_URL,
        "simulated; spocaClassifierType=HPCM2; spocaNumberclasses=4; spocaChannels=[AIA_171,AIA_193]; "
        "spocaVersion=2.00; trackingDeltat=36000; trackingOverlap=2",
    ),
    **_obs("SDO", "AIA", "AIA 171, AIA 193", 1.71e-06),
    **_hek("eds", "SPoCA"),
    "area_unit": "km2",
    "chaincodetype": "ordered list of points in HPC",
    "event_pixelunit": "DN/s",
    "frm_versionnumber": 1,
    "intensunit": "DN/s",
    "obs_includesnrt": "T",
    "obs_levelnum": 1.5,
    "search_channelid": "171,193",
}
SPOCA_AR = Method(1, "AR", "SPoCA", _SPOCA_AR, "area_atdiskcenter", tells_clipping=True)
SPOCA_CH = Method(
    2,
    "CH",
    "SPoCA",
    {
        **_SPOCA_AR,
        "frm_paramset": "simulated; spocaClassifierType=FCM; spocaNumberclasses=4; spocaChannels=[AIA_193]",
        "obs_channelid": "AIA 193",
        "obs_meanwavel": 1.93e-06,
        "search_channelid": "193",
    },
    "area_atdiskcenter",
    tells_clipping=True,
)
EGSO_SS = Method(
    3,
    "SS",
    "EGSO_SFC",
    {
        **_frm(
            "EGSO_SFC",
            "EGSO_SFC",
            "University of Bradford",
            "simulated",
            "http://solar.inf.brad.ac.uk",
            "simulated",
        ),
        **_obs("SDO", "HMI", "continuum", 6.173e-05),
        **_hek("autosubmission_egso", "EGSO_SFC"),
        "area_unit": "km2",
        "chaincodetype": "ordered list of points in HPC",
    },
    "area_atdiskcenter",
    pixel=0.5,
)
SIGMOID_SG = Method(
    4,
    "SG",
    "SigmoidSniffer",
    {
        **_frm("Sigmoid Sniffer", "Sigmoid Sniffer", "APL", "simulated", "N/A", "simulated"),
        **_obs("SDO", "AIA", "131", 1.31e-06),
        **_hek("eds", "Sigmoid Sniffer"),
        "area_unit": "km2",
        "chaincodetype": "ordered list of points in HPC",
    },
    "area_atdiskcenter",
)
AAFDCC_FI = Method(
    5,
    "FI",
    "AAFDCC",
    {
        **_frm("AAFDCC", "AAFDCC", "JHU/APL", "pietro.bernasconi@jhuapl.edu", "N/A", "simulated"),
        **_obs("BBSO", "H-alpha", "H-alpha", 6.5628e-05),
        **_hek("eds", "AAFDCC"),
        "area_unit": "km2",
        "chaincodetype": "ordered list of points in HPC",
        "fi_lengthunit": "arcsec",
    },
    "area_atdiskcenter",
    pixel=1.0,
)
NOAA_AR = Method(
    6,
    "AR",
    "NOAASWPCObserver",
    {
        **_frm(
            "NOAA SWPC Observer",
            "NOAA SWPC",
            "NOAA Space Weather Prediction Center",
            "http://www.swpc.noaa.gov/",
            "N/A",
            "N/A",
        ),
        **_obs("various", "various", "visible", 5e-05),
        **_hek("autosubmission_swpc", "SWPC"),
        "area_unit": "km2",
        "event_coordunit": "deg deg",
        "event_description": "Note: Latitudinal extent not provided by SWPC and is calculated assuming "
        "area=lat_ext*long_ext.",
        "event_probability": 1,
        "frm_humanflag": "true",
        "search_instrument": "nil",
        "search_observatory": "nil",
    },
    "area_atdiskcenter",
)
SWPC_FL = Method(
    7,
    "FL",
    "SWPC",
    {
        **_frm(
            "SWPC",
            "SWPC",
            "U.S. Dept. of Commerce, NOAA, Space Weather Prediction Center",
            "SWPC.Webmaster@noaa.gov",
            "http://www.swpc.noaa.gov/",
            "SSWIDL get_gev, ..., ngdc=0",
        ),
        **_obs("GOES", "GOES", "XRA", 5e-08),
        **_hek("autosubmission_swpc", "SWPC"),
        "event_coordunit": "degrees",
    },
    "fl_goescls",
)
SSW_FL = Method(
    8,
    "FL",
    "SSWLatestEvents",
    {
        **_frm(
            "SSW Latest Events",
            "SolarSoft",
            "LMSAL",
            "Samuel L. Freeland",
            "http://sohowww.nascom.nasa.gov/solarsoft/packages/gevloc/idl/ssw_flare_locator.pro",
            "simulated",
        ),
        **_obs("SDO", "AIA", "EUV", 1.31e-06),
        **_hek("freeland_samuel", "SSW Latest Events"),
        "event_coordunit": "degrees",
        "event_probability": 1,
        "search_channelid": "131,171,193,211,304",
    },
    "fl_goescls",
    degenerate_boxes=True,
)
CACTUS_CE = Method(
    9,
    "CE",
    "CACTus(ComputerAidedCMETracking)",
    {
        **_frm(
            "CACTus (Computer Aided CME Tracking)",
            "CACTus",
            "Royal Observatory of Belgium - SIDC",
            "cactus@sidc.be",
            "http://sidc.be/cactus",
            "thresh=0.30 factor=6 width=5",
        ),
        **_obs("LASCO", "c2 c3", "C2 orange filter, C3 clear filter", 6e-05),
        **_hek("robbrecht_eva", "CACTus"),
        "cme_angularwidthunit": "deg",
        "cme_radiallinvelunit": "km/sec",
        "event_coordunit": "deg, rsun",
        "frm_versionnumber": 2.5,
        "hcr_checked": "false",
        "search_channelid": "C2,C3",
        "search_instrument": "LASCO",
    },
    "cme_radiallinvel",
)
EMERGENCE_EF = Method(
    10,
    "EF",
    "Emergingfluxregionmodule",
    {
        **_frm("Emerging flux region module", "EFR", "SAO", "simulated", "N/A", "simulated"),
        **_obs("SDO", "HMI", "magnetogram", 6.173e-05),
        **_hek("eds", "Emerging flux region module"),
        "ef_axisorientationunit": "deg",
        "ef_fluxunit": "Mx",
        "ef_lengthunit": "Mm",
        "ef_onsetrateunit": "Mx/s",
        "event_coordunit": "deg deg",
        "magfluxunit": "Mx",
    },
    "unsignedflux",
)
HUMAN_FE = Method(
    11,
    "FE",
    "HumanObserver",
    {
        **_frm("Human Observer", "simulated", "simulated", "simulated", "N/A", "n/a"),
        **_obs("SDO", "AIA", "304", 3.04e-06),
        **_hek("simulated", "Human Observer"),
        "event_coordunit": "deg deg",
        "frm_humanflag": "true",
        "outflow_lengthunit": "Mm",
        "outflow_speedunit": "km/s",
    },
    "outflow_speed",
)
