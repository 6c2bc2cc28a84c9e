// Finds the way from this browser to a server of the kernel: straight when the kernel runs beside the browser,
// else through jupyter-server-proxy under the base URL of the Jupyter page.
(box, data) => {
  const config = document.getElementById("jupyter-config-data");
  let base = "/";
  if (config) base = JSON.parse(config.textContent).baseUrl || "/";
  else if (document.body.dataset.baseUrl) base = document.body.dataset.baseUrl;
  else base = data.base;
  const ways = [data.url, new URL(`${base}proxy/${data.port}`, location.href).href];
  const answers = async (way) => {
    const reply = await fetch(way + data.probe, { signal: AbortSignal.timeout(2000), cache: "no-store" });
    if (!reply.ok || (await reply.text()) !== data.identity) throw new Error("somebody else answers there");
    return way;
  };
  (async () => {
    for (const way of ways) {
      try {
        const found = await answers(way);
        for (const link of box.querySelectorAll("a[data-path]")) {
          link.href = found + link.dataset.path;
          link.textContent = link.href;
        }
        const frame = box.querySelector("iframe");
        if (frame) { frame.src = found + data.path; frame.hidden = false; }
        box.dataset.reached = way === data.url ? "straight" : "proxy";
        return;
      } catch { /* the next way */ }
    }
    box.dataset.reached = "no";
    const sorry = box.querySelector(".wslab-unreachable");
    if (sorry) sorry.hidden = false;
  })();
}
