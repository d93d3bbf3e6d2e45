"""Who we are is what the downward API says; the rest is a guess, and said."""

from controller.kube.pod import Pod

ALL = {
    "PLUGINMGR_POD_NAME": "web-0",
    "PLUGINMGR_POD_NAMESPACE": "shop",
    "PLUGINMGR_POD_UID": "1-2",
    "HOSTNAME": "other",
}


def test_everything_is_told(caplog):
    assert Pod.find(ALL, "default") == Pod("web-0", "shop", "1-2")
    assert caplog.records == []


def test_a_pod_that_is_not_told_who_it_is_takes_its_hosts_name_and_says_what_it_misses(caplog):
    assert Pod.find({"HOSTNAME": "web-1"}, "default") == Pod("web-1", "default", "")
    assert "PLUGINMGR_POD_UID" in caplog.text
    assert Pod.find({}, "default").name
