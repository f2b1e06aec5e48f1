// For tests: a Quest 3 emulated by iwer, made to behave as the WebXR Device API says where iwer 2.5 does not.
// `headset` is the device; `headset.lost` names hands whose position the headset only guesses.
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
  window.headset = headset;
})();
