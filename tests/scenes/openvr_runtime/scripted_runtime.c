/* A scripted OpenVR runtime for tests. The real libopenvr_api loads it through the path registry file; it answers
 * IVRSystem, IVRCompositor and IVRInput from a file in shared memory that the test wrote (tests/openvr_support.py
 * mirrors `State`).
 *
 * Devices follow tracks of timed poses on CLOCK_MONOTONIC, or on a clock that only each picture and the test move on.
 * Buttons hold what the test sets. The compositor reads what it is given back for the test to look at. Calls that the real
 * runtime would refuse, or that come in the wrong order, are refused and counted; calls that are not scripted are
 * counted by name. `tables.h` is generated from the function tables of the installed pyopenvr.
 *
 * `lacks` makes it as sparse as runtimes are that translate OpenVR to OpenXR (xrizer, OpenComposite): older or fewer
 * interfaces, poses that only pictures renew, pictures by GLX alone. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { MAGIC = 0x54555456, MAX_DEVICES = 8, MAX_ACTIONS = 32, MAX_EVENTS = 64 };
enum { FAULT_NONE, FAULT_CRASH_IN_INIT, FAULT_HANG_IN_INIT, FAULT_CRASH, FAULT_HANG, FAULT_CRASH_DRAWING,
       FAULT_HANG_DRAWING };
enum { LACKS_APPLICATIONS = 1, LACKS_INPUT = 2, LACKS_COMPOSITOR = 4, OLD_SYSTEM = 8, OLD_COMPOSITOR = 16,
       LACKS_PROPERTIES = 32, LACKS_TIPS = 64, LACKS_HAPTICS = 128, LACKS_FINGERS = 256, HEAD_ONLY = 512, NEEDS_GLX = 1024,
       LACKS_BACKGROUND = 2048, POSES_OF_PICTURES = 4096 };
enum { KIND_BOOLEAN = 1, KIND_VECTOR, KIND_POSE, KIND_VIBRATION, KIND_SKELETON };
enum { BONES = 31 };
enum { APP_SCENE = 1, APP_OVERLAY = 2, APP_BACKGROUND = 3 };
enum { INIT_HMD_NOT_FOUND = 108, INIT_NO_SERVER = 121, INIT_INVALID_APPLICATION = 130, INIT_INTERFACE_NOT_FOUND = 105 };
enum { INPUT_NAME_NOT_FOUND = 1, INPUT_WRONG_TYPE = 2, INPUT_INVALID_HANDLE = 3, INPUT_INVALID_PARAM = 4,
       INPUT_INVALID_DEVICE = 6, INPUT_INVALID_SKELETON = 7, INPUT_INVALID_STATE = 11 };
enum { PROPERTY_UNKNOWN = 4, PROPERTY_INVALID_DEVICE = 5, PROPERTY_BUFFER_TOO_SMALL = 3 };
enum { APPLICATION_NO_MANIFEST = 101, APPLICATION_UNKNOWN = 104, APPLICATION_IPC_FAILED = 105 };
enum { RESULT_CALIBRATING_OUT_OF_RANGE = 101, RESULT_OK = 200, RESULT_UNINITIALIZED = 1 };
enum { COMPOSITOR_NO_FOCUS = 101, COMPOSITOR_INVALID_TEXTURE = 102, COMPOSITOR_NOT_SCENE = 103,
       COMPOSITOR_UNSUPPORTED = 105, COMPOSITOR_ALREADY = 108, COMPOSITOR_INVALID_BOUNDS = 109 };
enum { EVENT_QUIT = 700 };
enum { PROPERTY_MODEL = 1001, PROPERTY_PHOTONS_S = 2001, PROPERTY_DISPLAY_HZ = 2002 };
enum { TEXTURE_OPENGL = 1, SPACE_MODEL = 0 };
enum { GL_TEXTURE_2D = 0x0DE1, GL_TEXTURE_WIDTH = 0x1000, GL_TEXTURE_HEIGHT = 0x1001, GL_RGBA = 0x1908,
       GL_UNSIGNED_BYTE = 0x1401, GL_TEXTURE_INTERNAL_FORMAT = 0x1003, GL_RGBA8 = 0x8058 };

typedef struct { double t; float p[3]; float q[4]; uint32_t valid; } TrackSample;
typedef struct { uint32_t class_, role, connected, tracked, first, count; } Device;
typedef struct { char name[96]; uint32_t kind; uint32_t bound[2]; float value[2]; } Action; /* [0] left, [1] right */
typedef struct { uint32_t type, device; } Event;
typedef struct {
  uint32_t magic, size;
  double start_s, display_hz, photons_s, manual_now_s; /* a manual clock runs where manual_now_s is not 0 */
  float fov[2][4], ipd_m;
  uint32_t eye_width, eye_height, focus, skeletons, want_image, tracking_space;
  uint32_t device_count, action_count, sample_count, fault, hmd_present, server_running;
  int32_t init_result, submit_result;
  uint32_t lacks, actions_away, hidden_triangles;
  float cant_rad;
  uint32_t events_written;
  Device devices[MAX_DEVICES];
  Action actions[MAX_ACTIONS];
  Event events[MAX_EVENTS];
  /* written by the runtime */
  uint32_t inits, cleanups, application, order_errors, unknown_calls, pose_calls, updates, quits_acknowledged, haptics;
  uint32_t haptic_hand, events_read;
  float haptic_amplitude, haptic_duration_s;
  uint32_t waits, submits[2], images, image_width, image_height;
  float bounds[2][4];
  double waited_s;
  char problem[128];
  char manifest[512];
  char application_key[64];
} State;

typedef struct { float m[3][4]; float velocity[3], angular[3]; int32_t result; uint8_t valid, connected; } Pose;
typedef struct { uint8_t active; uint64_t origin; uint8_t state, changed; float update_time; } Digital;
typedef struct { uint8_t active; uint64_t origin; float x, y, z, dx, dy, dz, update_time; } Analog;
typedef struct { uint8_t active; uint64_t origin; Pose pose; } PoseAction;

static State *S;
static const TrackSample *SAMPLES;
static bool ready, quit_sent, manifest_set, updated, introduced;
static float now_value[MAX_ACTIONS][2], old_value[MAX_ACTIONS][2];
static bool waited;
static uint32_t submitted; /* bit 0 left, bit 1 right */
static double last_vsync_s;
static pthread_t drawing_thread;
static double asked_s; /* the moment of poses that only pictures renew */
static bool took_pictures, given_picture;
static void *gl(const char *name);

static void note(uint32_t *counter, const char *what) {
  if (!S) return;
  ++*counter;
  snprintf(S->problem, sizeof S->problem, "%s", what);
}
static void unknown_call(const char *name) { if (S) note(&S->unknown_calls, name); }
#define REFUSE(what, code) do { note(&S->order_errors, what); return code; } while (0)

#include "tables.h"

_Static_assert(sizeof(Pose) == SIZE_TrackedDevicePose_t, "pose");
_Static_assert(sizeof(Digital) == SIZE_InputDigitalActionData_t, "digital");
_Static_assert(sizeof(Analog) == SIZE_InputAnalogActionData_t, "analog");
_Static_assert(sizeof(PoseAction) == SIZE_InputPoseActionData_t, "pose action");
_Static_assert(32 == SIZE_VRBoneTransform_t, "bone");

static double monotonic_s(void) {
  struct timespec t;
  if (S->manual_now_s != 0) return S->manual_now_s;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void maybe_fail(void) {
  if (S->fault == FAULT_CRASH) raise(SIGSEGV);
  while (S->fault == FAULT_HANG) usleep(20000);
}

/* Position between two samples, orientation by normalised interpolation. */
static void follow(const Device *device, double t, Pose *pose) {
  const TrackSample *track = SAMPLES + device->first;
  uint32_t low = 0, high = device->count - 1;
  if (t <= track[0].t) high = 0;
  if (t >= track[high].t) low = high;
  while (high - low > 1 && high > low) {
    uint32_t middle = (low + high) / 2;
    if (track[middle].t <= t) low = middle; else high = middle;
  }
  const TrackSample *a = track + low, *b = track + high;
  double span = b->t - a->t, part = span > 0 ? (t - a->t) / span : 0;
  if (part < 0) part = 0;
  if (part > 1) part = 1;
  float q[4], norm = 0, dot = 0;
  for (int k = 0; k < 4; k++) dot += a->q[k] * b->q[k];
  for (int k = 0; k < 4; k++) {
    q[k] = (float)((1 - part) * a->q[k] + part * (dot < 0 ? -b->q[k] : b->q[k]));
    norm += q[k] * q[k];
  }
  norm = sqrtf(norm);
  float w = q[0] / norm, x = q[1] / norm, y = q[2] / norm, z = q[3] / norm;
  float turn[3][3] = {
    {1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)},
    {2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)},
    {2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)}};
  for (int row = 0; row < 3; row++) {
    for (int column = 0; column < 3; column++) pose->m[row][column] = turn[row][column];
    pose->m[row][3] = (float)((1 - part) * a->p[row] + part * b->p[row]);
    if (span > 0) pose->velocity[row] = (float)((b->p[row] - a->p[row]) / span);
  }
  pose->valid = device->tracked && a->valid && b->valid;
}

static void pose_of(uint32_t index, double ahead_s, Pose *pose) {
  if (S->lacks & POSES_OF_PICTURES) {
    if (S->application == APP_SCENE && !took_pictures) abort(); /* as OpenComposite does without a time to ask for */
    ahead_s = asked_s - monotonic_s();
  }
  memset(pose, 0, sizeof *pose);
  pose->result = RESULT_UNINITIALIZED;
  if (index >= S->device_count || !S->devices[index].connected || !S->devices[index].count) return;
  follow(&S->devices[index], monotonic_s() + ahead_s - S->start_s, pose);
  pose->connected = 1;
  pose->result = pose->valid ? RESULT_OK : RESULT_CALIBRATING_OUT_OF_RANGE;
}

/* ---- IVRSystem ---- */
static void system_poses(int32_t universe, float ahead_s, Pose *poses, uint32_t count) {
  (void)universe;
  if (!ready) { note(&S->order_errors, "poses before init"); return; }
  maybe_fail();
  S->pose_calls++;
  for (uint32_t i = 0; i < (S->lacks & HEAD_ONLY ? 1 : count); i++) pose_of(i, ahead_s, &poses[i]);
}
static uint32_t system_index_of_role(int32_t role) {
  for (uint32_t i = 0; i < S->device_count; i++)
    if (S->devices[i].connected && (int32_t)S->devices[i].role == role) return i;
  return UINT32_MAX;
}
static bool system_poll_event(uint32_t *event, uint32_t size) {
  if (!ready) REFUSE("events before init", false);
  if (S->events_read == S->events_written) return false;
  Event next = S->events[S->events_read++ % MAX_EVENTS];
  memset(event, 0, size);
  event[0] = next.type;
  event[1] = next.device;
  quit_sent |= next.type == EVENT_QUIT;
  return true;
}
static void system_acknowledge_quit(void) {
  if (!quit_sent) note(&S->order_errors, "quit acknowledged that was not asked");
  else S->quits_acknowledged++;
}
static float system_float(uint32_t device, int32_t property, int32_t *error) {
  *error = S->lacks & LACKS_PROPERTIES || device || (property != PROPERTY_DISPLAY_HZ && property != PROPERTY_PHOTONS_S) ? PROPERTY_UNKNOWN : 0;
  return *error ? 0.f : (float)(property == PROPERTY_DISPLAY_HZ ? S->display_hz : S->photons_s);
}
typedef struct { float m[4][4]; } Matrix44;
typedef struct { float m[3][4]; } Matrix34;
static void system_size(uint32_t *width, uint32_t *height) { *width = S->eye_width; *height = S->eye_height; }
/* Depth 0 to 1, as the real runtime has it. fov: left, right, top, bottom as tangents, top negative. */
static Matrix44 system_projection(uint32_t eye, float near, float far) {
  const float *f = S->fov[eye & 1];
  float x = 1 / (f[1] - f[0]), y = 1 / (f[3] - f[2]);
  Matrix44 p = {{{2 * x, 0, (f[1] + f[0]) * x, 0}, {0, 2 * y, (f[3] + f[2]) * y, 0},
                 {0, 0, -far / (far - near), -far * near / (far - near)}, {0, 0, -1, 0}}};
  return p;
}
static Matrix34 system_eye(uint32_t eye) {
  float turn = eye ? -S->cant_rad : S->cant_rad, c = cosf(turn), s = sinf(turn); /* outwards */
  Matrix34 m = {{{c, 0, s, (eye ? .5f : -.5f) * S->ipd_m}, {0, 1, 0, 0}, {-s, 0, c, 0}}};
  return m;
}
/* Triangles of the corners that the lenses hide: `hidden_triangles` of a fan over the outer upper corner. */
typedef struct { const float *vertices; uint32_t count; } HiddenMesh;
static HiddenMesh system_hidden_mesh(int32_t eye, int32_t type) {
  static float vertices[2][64][3][2];
  HiddenMesh mesh = {NULL, 0};
  if (type || !S->hidden_triangles) return mesh;
  mesh.count = S->hidden_triangles > 64 ? 64 : S->hidden_triangles;
  mesh.vertices = &vertices[eye & 1][0][0][0];
  float corner = eye ? 1.f : 0.f, inwards = eye ? -1.f : 1.f;
  for (uint32_t i = 0; i < mesh.count; i++) {
    float a = 1.5707964f * (float)i / (float)mesh.count, b = 1.5707964f * (float)(i + 1) / (float)mesh.count;
    float fan[3][2] = {{corner, 1.f}, {corner + inwards * .4f * cosf(a), 1.f - .4f * sinf(a)},
                       {corner + inwards * .4f * cosf(b), 1.f - .4f * sinf(b)}};
    memcpy(vertices[eye & 1][i], fan, sizeof fan);
  }
  return mesh;
}

/* ---- IVRCompositor ---- */
static void compositor_space(int32_t space) { S->tracking_space = (uint32_t)space; }
static int32_t compositor_wait(Pose *poses, uint32_t count, Pose *game, uint32_t game_count) {
  (void)game; (void)game_count;
  if (!ready) REFUSE("pictures before init", COMPOSITOR_NO_FOCUS);
  if (S->application != APP_SCENE) REFUSE("pictures of no scene application", COMPOSITOR_NOT_SCENE);
  if (S->fault == FAULT_CRASH_DRAWING) raise(SIGSEGV);
  while (S->fault == FAULT_HANG_DRAWING) usleep(20000);
  if (submitted == 1 || submitted == 2) note(&S->order_errors, "a picture of one eye");
  double period = 1 / S->display_hz;
  if (S->manual_now_s != 0) S->manual_now_s += period;
  else {
    double next = last_vsync_s + period, now = monotonic_s();
    if (next < now) next = now;
    while (now < next && S->fault == FAULT_NONE) { usleep((useconds_t)(1e6 * (next - now)) + 1); now = monotonic_s(); }
    last_vsync_s = next;
  }
  drawing_thread = pthread_self();
  waited = took_pictures = true;
  asked_s = monotonic_s() + period + S->photons_s;
  submitted = 0;
  S->waits++;
  S->waited_s = monotonic_s();
  for (uint32_t i = 0; i < count && poses; i++) pose_of(i, period + S->photons_s, &poses[i]);
  return S->focus ? 0 : COMPOSITOR_NO_FOCUS;
}
typedef struct { void *handle; int32_t type, space; } Texture;
typedef struct { float u_min, v_min, u_max, v_max; } Bounds;
typedef void *(*Loader)(const char *);
/* A function of OpenGL, by whichever of EGL and GLX the program has loaded and has a context of. */
static void *gl(const char *name) {
  void *egl = dlopen("libEGL.so.1", RTLD_LAZY | RTLD_NOLOAD), *glx = dlopen("libGL.so.1", RTLD_LAZY | RTLD_NOLOAD);
  void *(*current)(void) = egl ? (void *(*)(void))dlsym(egl, "eglGetCurrentContext") : NULL;
  if (current && current()) return ((Loader)dlsym(egl, "eglGetProcAddress"))(name);
  current = glx ? (void *(*)(void))dlsym(glx, "glXGetCurrentContext") : NULL;
  if (current && current()) return ((Loader)dlsym(glx, "glXGetProcAddress"))(name);
  return NULL;
}
/* What runtimes on OpenXR ask of a picture: the application's GLX context, its configuration's visual, a sized format. */
static bool fit_for_openxr(void) {
  void *glx = dlopen("libGLX.so.0", RTLD_LAZY | RTLD_NOLOAD);
  void *(*call)(void) = glx ? (void *(*)(void))dlsym(glx, "glXGetCurrentContext") : NULL;
  void *context = call ? call() : NULL;
  void *display = context ? ((void *(*)(void))dlsym(glx, "glXGetCurrentDisplay"))() : NULL;
  if (!display || !((unsigned long (*)(void))dlsym(glx, "glXGetCurrentDrawable"))()) return false;
  int id = 0, found = 0, format = 0;
  ((int (*)(void *, void *, int, int *))dlsym(glx, "glXQueryContext"))(display, context, 0x8013, &id);
  int wanted[] = {0x8013, id, 0};
  void **configs = ((void **(*)(void *, int, int *, int *))dlsym(glx, "glXChooseFBConfig"))(display, 0, wanted, &found);
  if (!configs || found < 1) return false;
  if (!((void *(*)(void *, void *))dlsym(glx, "glXGetVisualFromFBConfig"))(display, configs[0])) return false;
  ((void (*)(unsigned, int, unsigned, int *))gl("glGetTexLevelParameteriv"))(GL_TEXTURE_2D, 0, GL_TEXTURE_INTERNAL_FORMAT, &format);
  return format == GL_RGBA8;
}
static void write_image(unsigned texture) {
  int width = 0, height = 0;
  ((void (*)(unsigned, unsigned))gl("glBindTexture"))(GL_TEXTURE_2D, texture);
  void (*level)(unsigned, int, unsigned, int *) = (void (*)(unsigned, int, unsigned, int *))gl("glGetTexLevelParameteriv");
  level(GL_TEXTURE_2D, 0, GL_TEXTURE_WIDTH, &width);
  level(GL_TEXTURE_2D, 0, GL_TEXTURE_HEIGHT, &height);
  unsigned char *pixels = malloc(4u * (size_t)width * (size_t)height);
  ((void (*)(unsigned, int, unsigned, unsigned, void *))gl("glGetTexImage"))(GL_TEXTURE_2D, 0, GL_RGBA, GL_UNSIGNED_BYTE, pixels);
  char path[600];
  snprintf(path, sizeof path, "%s.rgba", getenv("TUTTI_SCRIPTED_VR"));
  FILE *file = fopen(path, "wb");
  if (file) {
    fwrite(pixels, 4u * (size_t)width, (size_t)height, file);
    fclose(file);
  }
  free(pixels);
  S->image_width = (uint32_t)width;
  S->image_height = (uint32_t)height;
  S->want_image = 0;
  S->images++;
}
static int32_t compositor_submit(int32_t eye, const Texture *texture, const Bounds *bounds, int32_t flags) {
  (void)flags;
  if (S->application != APP_SCENE) REFUSE("submit of no scene application", COMPOSITOR_NOT_SCENE);
  if (!waited) REFUSE("submit before waiting", COMPOSITOR_NO_FOCUS);
  if (!S->focus) return COMPOSITOR_NO_FOCUS;
  if (!pthread_equal(pthread_self(), drawing_thread)) note(&S->order_errors, "submit from another thread");
  if (eye < 0 || eye > 1) REFUSE("an eye that is none", COMPOSITOR_INVALID_TEXTURE);
  if (submitted & (1u << eye)) REFUSE("an eye submitted twice", COMPOSITOR_ALREADY);
  if (!texture || texture->type != TEXTURE_OPENGL) REFUSE("a texture of another kind", COMPOSITOR_UNSUPPORTED);
  unsigned char (*is_texture)(unsigned) = (unsigned char (*)(unsigned))gl("glIsTexture");
  if (!is_texture) REFUSE("submit without a graphics context", COMPOSITOR_INVALID_TEXTURE);
  if (S->submit_result) return S->submit_result;
  unsigned name = (unsigned)(uintptr_t)texture->handle;
  if (!name || !is_texture(name)) REFUSE("no texture", COMPOSITOR_INVALID_TEXTURE);
  if (S->lacks & NEEDS_GLX) {
    ((void (*)(unsigned, unsigned))gl("glBindTexture"))(GL_TEXTURE_2D, name);
    if (!fit_for_openxr()) return COMPOSITOR_INVALID_TEXTURE;
    ((void (*)(unsigned, unsigned))gl("glBindTexture"))(GL_TEXTURE_2D, 0);
    ((void (*)(unsigned, unsigned))gl("glBindFramebuffer"))(0x8D40, 0); /* as they leave it */
  }
  Bounds all = {0, 0, 1, 1};
  if (!bounds) bounds = &all;
  if (!(bounds->u_min >= 0 && bounds->u_min < bounds->u_max && bounds->u_max <= 1 && bounds->v_min != bounds->v_max &&
        bounds->v_min >= 0 && bounds->v_min <= 1 && bounds->v_max >= 0 && bounds->v_max <= 1))
    REFUSE("bounds outside the texture", COMPOSITOR_INVALID_BOUNDS);
  memcpy(S->bounds[eye], bounds, sizeof *bounds);
  submitted |= 1u << eye;
  given_picture = true;
  S->submits[eye]++;
  if (submitted == 3 && S->want_image) write_image(name);
  return 0;
}
static uint32_t system_string(uint32_t device, int32_t property, char *text, uint32_t size, int32_t *error) {
  static const char model[] = "Scripted headset";
  bool known = property == PROPERTY_MODEL && !(S->lacks & LACKS_PROPERTIES);
  *error = device >= S->device_count ? PROPERTY_INVALID_DEVICE : !known ? PROPERTY_UNKNOWN : 0;
  if (*error) return 0;
  if (!text || size < sizeof model) *error = PROPERTY_BUFFER_TOO_SMALL;
  else memcpy(text, model, sizeof model);
  return sizeof model;
}

/* ---- IVRApplications ---- */
static int32_t applications_add(const char *path, bool temporary) {
  if (!ready) REFUSE("application manifest before init", APPLICATION_IPC_FAILED);
  introduced = temporary && !access(path, R_OK);
  return introduced ? 0 : APPLICATION_NO_MANIFEST;
}
static int32_t applications_identify(uint32_t process, const char *key) {
  if (!introduced || process != (uint32_t)getpid()) REFUSE("application not known", APPLICATION_UNKNOWN);
  if (manifest_set) REFUSE("identified after its actions", APPLICATION_UNKNOWN);
  snprintf(S->application_key, sizeof S->application_key, "%s", key);
  return 0;
}

/* ---- IVRInput: an action's handle is 0x100 + its index, a hand's source 1 (left) or 2 (right) ---- */
static int32_t input_manifest(const char *path) {
  if (updated) REFUSE("manifest after the first update", INPUT_INVALID_STATE);
  if (access(path, R_OK)) return INPUT_INVALID_PARAM;
  snprintf(S->manifest, sizeof S->manifest, "%s", path);
  manifest_set = true;
  return 0;
}
static int32_t input_set_handle(const char *name, uint64_t *handle) {
  *handle = strcasecmp(name, "/actions/conduct") ? 0 : 0x80;
  return *handle ? 0 : INPUT_NAME_NOT_FOUND;
}
static int32_t input_action_handle(const char *name, uint64_t *handle) {
  *handle = 0;
  if (!manifest_set) REFUSE("action before the manifest", INPUT_INVALID_STATE);
  for (uint32_t i = 0; i < S->action_count; i++)
    if (!strcasecmp(name, S->actions[i].name)) { *handle = 0x100 + i; return 0; }
  return INPUT_NAME_NOT_FOUND;
}
static int32_t input_source_handle(const char *path, uint64_t *handle) {
  *handle = !strcmp(path, "/user/hand/left") ? 1 : !strcmp(path, "/user/hand/right") ? 2 : 0;
  return *handle ? 0 : INPUT_NAME_NOT_FOUND;
}
static int32_t input_update(const uint64_t *sets, uint32_t size, uint32_t count) {
  if (!manifest_set) REFUSE("update before the manifest", INPUT_INVALID_STATE);
  if (size != SIZE_VRActiveActionSet_t || !count || sets[0] != 0x80) REFUSE("update of no set", INPUT_INVALID_PARAM);
  if (S->actions_away) { S->actions_away--; return INPUT_INVALID_PARAM; } /* a session begins anew */
  updated = true;
  S->updates++;
  memcpy(old_value, now_value, sizeof old_value);
  for (uint32_t i = 0; i < S->action_count; i++) memcpy(now_value[i], S->actions[i].value, sizeof now_value[i]);
  return 0;
}
static int32_t action_at(uint64_t handle, uint32_t kind, uint32_t *index) {
  *index = (uint32_t)(handle - 0x100);
  if (handle < 0x100 || *index >= S->action_count) REFUSE("wrong handle", INPUT_INVALID_HANDLE);
  if (S->actions[*index].kind != kind) REFUSE("wrong kind of action", INPUT_WRONG_TYPE);
  return 0;
}
static bool hand_connected(int hand) { return system_index_of_role(hand + 1) != UINT32_MAX; }
/* The first bound hand among those asked for whose controller is on; -1 if none. */
static int origin_of(uint32_t index, uint64_t restricted) {
  for (int hand = 1; hand >= 0; hand--)
    if ((!restricted || restricted == (uint64_t)hand + 1) && S->actions[index].bound[hand] && hand_connected(hand))
      return hand;
  return -1;
}
static int32_t input_digital(uint64_t handle, Digital *data, uint32_t size, uint64_t restricted) {
  uint32_t index;
  int32_t error = action_at(handle, KIND_BOOLEAN, &index);
  if (error) return error;
  if (!updated || size != sizeof *data) REFUSE("action read before an update", INPUT_INVALID_STATE);
  memset(data, 0, sizeof *data);
  int hand = origin_of(index, restricted);
  if (hand < 0) return 0;
  data->active = 1;
  data->origin = (uint64_t)hand + 1;
  data->state = now_value[index][hand] > 0.5f;
  data->changed = data->state != (old_value[index][hand] > 0.5f);
  return 0;
}
static int32_t input_analog(uint64_t handle, Analog *data, uint32_t size, uint64_t restricted) {
  uint32_t index;
  int32_t error = action_at(handle, KIND_VECTOR, &index);
  if (error) return error;
  if (!updated || size != sizeof *data) REFUSE("action read before an update", INPUT_INVALID_STATE);
  memset(data, 0, sizeof *data);
  int hand = origin_of(index, restricted);
  if (hand < 0) return 0;
  data->active = 1;
  data->origin = (uint64_t)hand + 1;
  data->x = now_value[index][hand];
  return 0;
}
static int32_t input_pose(uint64_t handle, int32_t universe, float ahead_s, PoseAction *data, uint32_t size,
                          uint64_t restricted) {
  (void)universe;
  uint32_t index;
  int32_t error = action_at(handle, KIND_POSE, &index);
  if (error) return error;
  if (!updated || size != sizeof *data) REFUSE("action read before an update", INPUT_INVALID_STATE);
  memset(data, 0, sizeof *data);
  int hand = origin_of(index, restricted);
  if (hand < 0 || (S->lacks & LACKS_TIPS && strstr(S->actions[index].name, "/aim_"))) return 0;
  data->active = 1;
  data->origin = (uint64_t)hand + 1;
  pose_of(system_index_of_role(hand + 1), ahead_s, &data->pose);
  return 0;
}
/* The picture's own moment, as the last wait had it. */
static int32_t input_pose_shown(uint64_t handle, int32_t universe, PoseAction *data, uint32_t size, uint64_t restricted) {
  return input_pose(handle, universe, (float)(1 / S->display_hz + S->photons_s), data, size, restricted);
}
typedef struct { uint8_t active; uint64_t origin; } Skeletal;
typedef struct { float place[4]; float turn[4]; } Bone;
static int32_t input_skeletal(uint64_t handle, Skeletal *data, uint32_t size) {
  uint32_t index;
  int32_t error = action_at(handle, KIND_SKELETON, &index);
  if (error) return error;
  if (!updated || size != sizeof *data) REFUSE("skeleton read before an update", INPUT_INVALID_STATE);
  if (S->lacks & LACKS_FINGERS) return INPUT_INVALID_SKELETON;
  memset(data, 0, sizeof *data);
  int hand = origin_of(index, 0);
  if (hand < 0 || !S->skeletons) return 0;
  data->active = 1;
  data->origin = (uint64_t)hand + 1;
  return 0;
}
/* An open hand: the palm down, the fingers ahead (−Z), four rays from the wrist and a thumb aside. */
static int32_t input_bones(uint64_t handle, int32_t space, int32_t range, Bone *bones, uint32_t count) {
  (void)range;
  uint32_t index;
  int32_t error = action_at(handle, KIND_SKELETON, &index);
  if (error) return error;
  if (space != SPACE_MODEL || count != BONES) REFUSE("bones of another kind", INPUT_INVALID_PARAM);
  float side = origin_of(index, 0) == 1 ? -1.f : 1.f; /* the thumb is on the inside */
  for (int i = 0; i < BONES; i++) {
    int finger = i < 2 ? -1 : i < 6 ? 0 : i < 26 ? 1 + (i - 6) / 5 : -1, joint = i < 6 ? i - 2 : (i - 6) % 5;
    float x = 0, z = 0;
    if (finger == 0) { x = side * (.03f + .014f * (float)joint); z = -.02f - .028f * (float)joint; }
    if (finger > 0) {
      static const float reach[5] = {-.02f, -.085f, -.125f, -.15f, -.17f};
      x = side * (.03f - .021f * (float)(finger - 1)) * (joint ? 1.f : .6f);
      z = reach[joint] * (finger == 4 ? .85f : finger == 2 ? 1.05f : 1.f);
    }
    Bone bone = {{x, 0, z, 1}, {1, 0, 0, 0}};
    bones[i] = bone;
  }
  return 0;
}
static int32_t input_haptic(uint64_t handle, float start_s, float duration_s, float hz, float amplitude,
                            uint64_t restricted) {
  uint32_t index;
  int32_t error = action_at(handle, KIND_VIBRATION, &index);
  if (error) return error;
  if (S->lacks & LACKS_HAPTICS) return INPUT_INVALID_DEVICE;
  if (start_s < 0 || duration_s < 0 || hz <= 0 || amplitude < 0 || amplitude > 1) return INPUT_INVALID_PARAM;
  S->haptic_hand = (uint32_t)restricted;
  S->haptic_amplitude = amplitude;
  S->haptic_duration_s = duration_s;
  S->haptics++;
  return 0;
}

/* ---- IVRClientCore_003, a C++ object laid out by hand ---- */
static bool attach(void) {
  if (S) return true;
  const char *path = getenv("TUTTI_SCRIPTED_VR");
  int file = path ? open(path, O_RDWR) : -1;
  struct stat facts;
  if (file < 0 || fstat(file, &facts)) return false;
  void *memory = mmap(NULL, (size_t)facts.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (memory == MAP_FAILED) return false;
  State *state = memory;
  if (state->magic != MAGIC || state->size != sizeof(State)) return false;
  S = state;
  SAMPLES = (const TrackSample *)((const char *)memory + sizeof(State));
  return true;
}
static int32_t core_init(void *self, int32_t application, const char *startup) {
  (void)self; (void)startup;
  if (!attach()) return INIT_HMD_NOT_FOUND;
  if (ready) note(&S->order_errors, "init twice");
  if (S->fault == FAULT_CRASH_IN_INIT) raise(SIGSEGV);
  while (S->fault == FAULT_HANG_IN_INIT) usleep(20000);
  if (S->init_result) return S->init_result;
  if (application < APP_SCENE || application > APP_BACKGROUND) return INIT_INVALID_APPLICATION;
  if (S->lacks & LACKS_BACKGROUND && application != APP_SCENE) return INIT_INVALID_APPLICATION;
  if (application == APP_BACKGROUND && !S->server_running) return INIT_NO_SERVER;
  if (!S->hmd_present) return INIT_HMD_NOT_FOUND;
  S->server_running = 1;
  S->application = (uint32_t)application;
  S->inits++;
  ready = true;
  quit_sent = manifest_set = updated = introduced = waited = took_pictures = given_picture = false;
  submitted = 0;
  return 0;
}
static void core_cleanup(void *self) {
  (void)self;
  if (S && ready && given_picture && !gl("glIsTexture"))
    note(&S->order_errors, "left after the graphics context was closed");
  if (S && ready) S->cleanups++;
  ready = false;
}
static void **table_of(const char *name) {
  if (!strncmp(name, "FnTable:", 8)) name += 8;
  for (unsigned i = 0; i < sizeof TABLES / sizeof *TABLES; i++)
    if (!strcmp(name, TABLES[i].version) && !(S && S->lacks & TABLES[i].hidden_by)) return TABLES[i].slots;
  return NULL;
}
static int32_t core_version_valid(void *self, const char *name) {
  (void)self;
  return table_of(name) ? 0 : INIT_INTERFACE_NOT_FOUND;
}
static void *core_interface(void *self, const char *name, int32_t *error) {
  (void)self;
  void *table = ready ? table_of(name) : NULL;
  if (!table) note(&S->order_errors, ready ? "interface that is not scripted" : "interface before init");
  if (error) *error = table ? 0 : INIT_INTERFACE_NOT_FOUND;
  return table;
}
static bool core_hmd_present(void *self) { (void)self; return attach() && S->hmd_present; }
static const char *core_text(void *self, int32_t error) { (void)self; (void)error; return "scripted error"; }

static void *CORE_METHODS[] = {core_init, core_cleanup, core_version_valid, core_interface,
                               core_hmd_present, core_text, core_text};
static void *CORE = CORE_METHODS;

__attribute__((visibility("default"))) void *VRClientCoreFactory(const char *name, int *result) {
  if (strcmp(name, "IVRClientCore_003")) { if (result) *result = INIT_INTERFACE_NOT_FOUND; return NULL; }
  SCRIPT(IVRSystem, getDeviceToAbsoluteTrackingPose, system_poses);
  SCRIPT(IVRSystem, getTrackedDeviceIndexForControllerRole, system_index_of_role);
  SCRIPT(IVRSystem, pollNextEvent, system_poll_event);
  SCRIPT(IVRSystem, acknowledgeQuit_Exiting, system_acknowledge_quit);
  SCRIPT(IVRSystem, getFloatTrackedDeviceProperty, system_float);
  SCRIPT(IVRSystem, getStringTrackedDeviceProperty, system_string);
  SCRIPT(IVRSystem, getRecommendedRenderTargetSize, system_size);
  SCRIPT(IVRSystem, getProjectionMatrix, system_projection);
  SCRIPT(IVRSystem, getEyeToHeadTransform, system_eye);
  SCRIPT(IVRSystem, getHiddenAreaMesh, system_hidden_mesh);
  SCRIPT(IVRCompositor, setTrackingSpace, compositor_space);
  SCRIPT(IVRCompositor, waitGetPoses, compositor_wait);
  SCRIPT(IVRCompositor, submit, compositor_submit);
  SCRIPT(IVRApplications, addApplicationManifest, applications_add);
  SCRIPT(IVRApplications, identifyApplication, applications_identify);
  SCRIPT(IVRInput, setActionManifestPath, input_manifest);
  SCRIPT(IVRInput, getActionSetHandle, input_set_handle);
  SCRIPT(IVRInput, getActionHandle, input_action_handle);
  SCRIPT(IVRInput, getInputSourceHandle, input_source_handle);
  SCRIPT(IVRInput, updateActionState, input_update);
  SCRIPT(IVRInput, getDigitalActionData, input_digital);
  SCRIPT(IVRInput, getAnalogActionData, input_analog);
  SCRIPT(IVRInput, getPoseActionDataRelativeToNow, input_pose);
  SCRIPT(IVRInput, getPoseActionDataForNextFrame, input_pose_shown);
  SCRIPT(IVRInput, getSkeletalActionData, input_skeletal);
  SCRIPT(IVRInput, getSkeletalBoneData, input_bones);
  SCRIPT(IVRInput, triggerHapticVibrationAction, input_haptic);
  fill_older_tables();
  if (result) *result = 0;
  return &CORE;
}
