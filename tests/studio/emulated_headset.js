// For tests: a Quest 3 emulated by iwer, made to behave as the WebXR Device API says where iwer 2.5 does not.
// `headset` is the device; `headset.lost` names hands whose position the headset only guesses. `headset.play(path, rateHz)`
// moves the right controller along a path ([s, x, y, z] each), a step of the headset's own clock a frame: so a slow machine
// sees the same movement as a quick one. It gives
// the poses that the page sent meanwhile.
(() => {
  const headset = new IWER.XRDevice(IWER.metaQuest3, { stereoEnabled: true });
  headset.installRuntime({ forceInstall: true });
  headset.lost = new Set();
  // An offset space takes a rigid transform; iwer expects its matrix.
  const offset = XRReferenceSpace.prototype.getOffsetReferenceSpace;
  XRReferenceSpace.prototype.getOffsetReferenceSpace = function (transform) {
    return offset.call(this, transform.matrix);
  };
  // iwer calls every position emulated.
  const getPose = XRFrame.prototype.getPose;
  XRFrame.prototype.getPose = function (space, base) {
    const pose = getPose.call(this, space, base);
    const source = [...this.session.inputSources].find(({ gripSpace, targetRaySpace }) => gripSpace === space || targetRaySpace === space);
    const guessed = source !== undefined && headset.lost.has(source.handedness);
    Object.defineProperty(pose, 'emulatedPosition', { value: guessed });
    return pose;
  };
  let film = null;
  const device = headset[Object.getOwnPropertySymbols(headset).find((symbol) => 'onFrameStart' in headset[symbol])];
  const { onFrameStart } = device;
  device.onFrameStart = (frame) => {
    if (film !== null) film.step();
    onFrameStart(frame);
  };
  const predicted = Object.getOwnPropertyDescriptor(XRFrame.prototype, 'predictedDisplayTime').get;
  Object.defineProperty(XRFrame.prototype, 'predictedDisplayTime', {
    get() { return film === null ? predicted.call(this) : film.nowMs; },
  });
  headset.play = (path, rateHz) => new Promise((done) => {
    sent.length = 0;
    const beganMs = performance.now();
    let frames = 0;
    let next = 1;
    film = {
      nowMs: beganMs,
      step() {
        frames += 1;
        this.nowMs = beganMs + (1000 * frames) / rateHz;
        const at = path[0][0] + frames / rateHz;
        while (next < path.length && path[next][0] < at) next += 1;
        if (next === path.length) { film = null; done(sent.splice(0)); return; }
        const [a, b] = [path[next - 1], path[next]];
        const t = (at - a[0]) / (b[0] - a[0]);
        headset.controllers.right.position.set(...[1, 2, 3].map((i) => a[i] + (b[i] - a[i]) * t));
      },
    };
  });
  const sent = [];
  const post = Worker.prototype.postMessage;
  Worker.prototype.postMessage = function (order, ...rest) {
    if (order.kind === 'send' && order.message.kind === 'Poses') sent.push(...order.message.samples);
    return post.call(this, order, ...rest);
  };
  window.headset = headset;
})();
