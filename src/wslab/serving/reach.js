// Finds the way from this browser to a server of the kernel: straight when the kernel runs beside the browser,
// else through jupyter-server-proxy under the base URL of the Jupyter page.
(box, data) => {
  const config = document.getElementById("jupyter-config-data");
  let base = "/";
  if (config) base = JSON.parse(config.textContent).baseUrl || "/";
  else if (document.body.dataset.baseUrl) base = document.body.dataset.baseUrl;
  else base = data.base;
  const ways = [data.url, new URL(`${base}proxy/${data.port}`, location.href).href];
  const sorry = box.querySelector(".wslab-unreachable");
  const answers = async (way, patience) => {
    const reply = await fetch(way + data.probe, { signal: AbortSignal.timeout(patience), cache: "no-store" });
    if (!reply.ok || (await reply.text()) !== data.identity) throw new Error("somebody else answers there");
    return way;
  };
  const show = (way) => {
    for (const link of box.querySelectorAll("a[data-path]")) {
      link.href = way + link.dataset.path;
      link.textContent = link.href;
    }
    const frame = box.querySelector("iframe");
    if (frame) { frame.src = way + data.path; frame.hidden = false; }
    if (sorry) sorry.hidden = true;
    box.dataset.reached = way === data.url ? "straight" : "proxy";
  };
  (async () => {
    // On a full machine, or while a handler holds the loop, an answer takes long. Milliseconds: first a pause, then the
    // time that each way has to answer.
    for (const [pause, patience] of [[0, 2000], [2000, 5000], [5000, 15000]]) {
      await new Promise((over) => setTimeout(over, pause));
      for (const way of ways) {
        try {
          return show(await answers(way, patience));
        } catch { /* the next way */ }
      }
      box.dataset.reached = "no";
      if (sorry) sorry.hidden = false;
    }
  })();
}
