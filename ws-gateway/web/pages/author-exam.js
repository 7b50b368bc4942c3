// An exam being written: its rules, its blueprint with what the bank has for it, publishing; and, once published, the
// release of results.
import { all, get, post, putTo } from '../core/api.js';
import { dialog, sure, toast } from '../core/dialog.js';
import { h, put } from '../core/dom.js';
import { moment, number, span, t, thisYear } from '../core/i18n.js';
import { badge, button, facts, field, head, kindName, link, notice, section, select, table, trouble, working } from '../core/parts.js';
import { is } from '../core/session.js';
import { blueprintEditor, freshSection } from '../staff/blueprint.js';
import { exceptionForm, exceptionList } from '../staff/exception.js';
import { showSample } from '../staff/sample.js';

const MINUTE = 60000;

/** A time as the form's own field has it, and back: both in Asia/Shanghai, whatever zone the device is in. */
const toField = (time) => (time ? new Date(Date.parse(time) + 8 * 3600000).toISOString().slice(0, 16) : '');
const fromField = (text) => (text ? `${text}:00+08:00` : null);

export default async function page(context) {
  const id = context.params.exam;
  const [exam, courses, banks] = await Promise.all([
    id === 'new' ? fresh() : get(`authored/exams/${id}`), all('courses'), all('banks'),
  ]);
  return exam.state === 'published' ? published(context, exam, courses.items, banks.items) : editor(context, exam, courses.items, banks.items);
}

function fresh() {
  const year = thisYear();
  return {
    code: '', title: '', course: '', bank: '', state: 'draft', duration_ms: 90 * MINUTE, grace_ms: 10000, pass_score: 60, attempts_max: 3, cooldown_ms: 0,
    opens_at: `${year}-01-01T00:00:00+08:00`, closes_at: `${year + 1}-01-01T00:00:00+08:00`, practice: 'offered', review: 'score', results_at: null, audience: null,
    blueprint: { sections: [{ ...freshSection(), title: kindName('single_choice'), count: 20, points: 5 }], shuffle_options: true },
  };
}

function editor(context, exam, courses, banks) {
  let { id } = exam;
  let saved = true;
  let strata = null;
  const { blueprint } = exam;
  const told = h('div', { class: 'stack', 'aria-live': 'polite' });
  const sums = h('p', { class: 'lead', 'aria-live': 'polite' });
  const touched = () => { saved = false; total(); };
  const total = () => {
    const questions = blueprint.sections.reduce((sum, one) => sum + one.count, 0);
    const points = blueprint.sections.reduce((sum, one) => sum + one.count * one.points, 0);
    put(sums, t('author.sums', { questions: number(questions), points: number(points), pass: number(exam.pass_score) }));
  };
  const bind = (name, read = (value) => value) => (event) => { exam[name] = read(event.target.value); touched(); };
  const input = (name, props, write, read) => h('input', { ...props, value: write(exam[name]), oninput: bind(name, read) });
  const ms = (unit) => [(value) => String(value / unit), (value) => Math.round(Number(value) * unit)];
  const text = [(value) => value, (value) => value];
  const time = [toField, fromField];

  const course = select([['', t('author.choose')], ...courses.map((one) => [one.id, `${one.title}（${one.credit_year}）`])], exam.course, { onchange: bind('course') });
  const bank = select([['', t('author.choose')], ...banks.map((one) => [one.id, one.title])], exam.bank, { onchange: (event) => { exam.bank = event.target.value; touched(); stock(); } });
  const share = (value) => (value === '' ? undefined : Number(value));
  const lines = {
    '/code': field(t('code'), input('code', { spellcheck: 'false' }, ...text), { hint: t('code.hint') }),
    '/title': field(t('author.title'), input('title', {}, ...text)),
    '/course': field(t('course'), course),
    '/bank': field(t('author.bank'), bank),
    '/duration_ms': field(t('author.minutes'), input('duration_ms', { type: 'number', min: 1 }, ...ms(MINUTE))),
    '/grace_ms': field(t('author.grace'), input('grace_ms', { type: 'number', min: 0 }, ...ms(1000))),
    '/pass_score': field(t('exam.pass'), input('pass_score', { type: 'number', min: 0, step: '0.5' }, String, Number)),
    '/attempts_max': field(t('author.attempts'), input('attempts_max', { type: 'number', min: 0 }, String, (value) => Math.floor(Number(value) || 0)), { hint: t('author.attempts_hint') }),
    '/cooldown_ms': field(t('author.cooldown'), input('cooldown_ms', { type: 'number', min: 0 }, ...ms(MINUTE))),
    '/opens_at': field(t('author.opens'), input('opens_at', { type: 'datetime-local' }, ...time)),
    '/closes_at': field(t('author.closes'), input('closes_at', { type: 'datetime-local' }, ...time)),
    '/results_at': field(t('exam.results_at'), input('results_at', { type: 'datetime-local' }, ...time), { hint: t('author.results_hint') }),
    '/practice': field(t('mode.practice'), select(['off', 'offered', 'required'].map((one) => [one, t(`practice.${one}`)]), exam.practice, { onchange: bind('practice') })),
    '/review': field(t('exam.review'), select(['none', 'score', 'marks', 'full'].map((one) => [one, t(`review.policy.${one}`)]), exam.review, { onchange: bind('review') })),
    '/blueprint/overlap_max': field(t('author.overlap'), h('input', { type: 'number', min: 0, step: 'any', value: blueprint.overlap_max === undefined ? '' : blueprint.overlap_max, oninput: (event) => { blueprint.overlap_max = share(event.target.value); touched(); } }), { hint: t('author.overlap_hint') }),
    '/blueprint/exposure_max': field(t('author.exposure'), h('input', { type: 'number', min: 0, max: 1, step: 'any', value: blueprint.exposure_max === undefined ? '' : blueprint.exposure_max, oninput: (event) => { blueprint.exposure_max = share(event.target.value); touched(); } }), { hint: t('author.exposure_hint') }),
  };
  const shuffle = h('label', { class: 'check' }, h('input', { type: 'checkbox', checked: blueprint.shuffle_options, onchange: (event) => { blueprint.shuffle_options = event.target.checked; touched(); } }), h('span', {}, t('author.shuffle')));
  const plan = blueprintEditor(blueprint.sections, () => strata, touched);

  async function stock() {
    strata = null;
    if (exam.bank) {
      try {
        strata = (await get(`banks/${exam.bank}/strata`)).items;
      } catch (problem) {
        put(told, trouble(problem, stock));
      }
    }
    plan.refresh();
  }

  const body = () => {
    const { id: _id, state: _state, bank_version: _version, ...rest } = exam;
    return { ...rest, audience: exam.audience || undefined };
  };
  const show = (problem) => {
    Object.values(lines).forEach((line) => line.fault(''));
    const left = (problem.errors || []).filter((error) => {
      const line = lines[error.pointer];
      if (line) line.fault(error.detail);
      return !line;
    });
    problem.errors = left.map((error) => {
      const part = /^\/blueprint\/sections\/(\d+)/.exec(error.pointer);
      return part ? { pointer: '', detail: `${t('blueprint.section', { n: Number(part[1]) + 1 })}${t('colon')}${error.detail}` } : error;
    });
    put(told, trouble(problem));
    const first = document.querySelector('[aria-invalid=true]');
    if (first) first.focus();
    else told.scrollIntoView({ block: 'center' });
  };
  async function save() {
    put(told);
    Object.values(lines).forEach((line) => line.fault(''));
    lines['/course'].fault(exam.course ? '' : t('required'));
    lines['/bank'].fault(exam.bank ? '' : t('required'));
    if (!exam.course || !exam.bank) {
      (exam.course ? bank : course).focus();
      return false;
    }
    try {
      const kept = id ? await putTo(`exams/${id}`, body()) : await post('exams', body());
      id = kept.id;
      saved = true;
      return true;
    } catch (problem) {
      show(problem);
      return false;
    }
  }
  const keep = async () => {
    if (!(await save())) return;
    toast(t('author.saved'));
    if (context.params.exam === 'new') await context.go(`/author/exams/${id}`, { replace: true });
  };
  const sample = async () => {
    if (!(await save())) return;
    try {
      await showSample(id);
    } catch (problem) {
      show(problem);
    }
    if (context.params.exam === 'new') await context.go(`/author/exams/${id}`, { replace: true });
  };
  const publish = async () => {
    if (!(await save())) return;
    if (!(await sure({ title: t('author.publish'), text: t('author.publish_text'), yes: t('author.publish'), danger: false }))) return;
    try {
      await post(`exams/${id}/publish`);
      toast(t('author.published_now'));
      await context.go(`/author/exams/${id}`, { replace: true });
    } catch (problem) {
      show(problem);
    }
  };
  context.guard(async () => saved || sure({ title: t('author.unsaved'), text: t('author.unsaved_text'), yes: t('leave.yes') }));
  total();
  setTimeout(stock);
  return {
    title: exam.title || t('author.create'),
    node: h('div', {},
      head(exam.title || t('author.create'), { back: ['/author/exams', t('nav.author_exams')], actions: badge(t('author.draft'), 'warn') }),
      told,
      section(t('author.basics'), h('div', { class: 'card form-grid' }, ['/code', '/title', '/course', '/bank'].map((key) => lines[key]),
        button(t('author.new_course'), async () => {
          const made = await newCourse();
          if (!made) return;
          course.append(h('option', { value: made.id }, `${made.title}（${made.credit_year}）`));
          course.value = made.id;
          exam.course = made.id;
          touched();
        }, 'text start'))),
      section(t('author.blueprint'), sums, plan.element, h('div', { class: 'card form-grid section' }, lines['/blueprint/overlap_max'], lines['/blueprint/exposure_max'], shuffle)),
      section(t('author.rules'), h('div', { class: 'card form-grid' },
        ['/duration_ms', '/grace_ms', '/pass_score', '/attempts_max', '/cooldown_ms', '/opens_at', '/closes_at', '/practice', '/review', '/results_at'].map((key) => lines[key]))),
      h('div', { class: 'actions section' }, working(t('author.publish'), publish, 'primary'), working(t('author.save'), keep, ''), working(t('sample.draw'), sample, ''))),
  };
}

function newCourse() {
  return dialog({ title: t('author.new_course'), build: (close) => {
    const values = { code: '', title: '', subject: 'public', bucket: 'compulsory', credit_year: thisYear(), hours: 10 };
    const bind = (name, read = (value) => value) => (event) => { values[name] = read(event.target.value); };
    const told = h('div', {});
    const lines = {
      '/code': field(t('code'), h('input', { oninput: bind('code'), autofocus: true }), { hint: t('code.hint') }),
      '/title': field(t('course'), h('input', { oninput: bind('title') })),
      '/subject': field(t('subject'), select([['public', t('subject.public')], ['professional', t('subject.professional')]], 'public', { onchange: bind('subject') })),
      '/bucket': field(t('year.bucket'), select([['compulsory', t('obligation.compulsory')], ['elective', t('obligation.elective')]], 'compulsory', { onchange: bind('bucket') })),
      '/credit_year': field(t('credit_year'), h('input', { type: 'number', value: values.credit_year, oninput: bind('credit_year', Number) })),
      '/hours': field(t('hours'), h('input', { type: 'number', step: '0.5', min: 0, value: values.hours, oninput: bind('hours', Number) })),
    };
    const send = working(t('create'), async () => {
      put(told);
      Object.values(lines).forEach((line) => line.fault(''));
      try {
        close(await post('courses', values));
      } catch (problem) {
        const left = (problem.errors || []).filter((error) => !lines[error.pointer]);
        (problem.errors || []).forEach((error) => lines[error.pointer] && lines[error.pointer].fault(error.detail));
        if (left.length || !(problem.errors || []).length) put(told, trouble(problem));
      }
    });
    return h('form', { class: 'form', onsubmit: (event) => { event.preventDefault(); send.click(); } }, told, h('div', { class: 'form-grid' }, Object.values(lines)), h('div', { class: 'actions' }, send, button(t('cancel'), () => close())));
  } });
}

function published(context, exam, courses, banks) {
  const course = courses.find((one) => one.id === exam.course);
  const bank = banks.find((one) => one.id === exam.bank);
  const points = exam.blueprint.sections.reduce((sum, one) => sum + one.count * one.points, 0);
  const told = h('div', {});
  const at = h('input', { type: 'datetime-local', value: toField(exam.results_at) });
  const exceptions = exceptionList(exam.id);
  const release = async (time, title, words) => {
    if (!(await sure({ title, text: words, yes: title, danger: time === null }))) return;
    try {
      await putTo(`exams/${exam.id}/release`, { results_at: time });
      toast(t('release.done'));
      await context.again();
    } catch (problem) {
      put(told, trouble(problem));
    }
  };
  return {
    title: exam.title,
    node: h('div', { class: 'column' },
      head(exam.title, { back: ['/author/exams', t('nav.author_exams')], actions: [badge(t('author.published'), 'good'), link(`/author/exams/${exam.id}/analysis`, t('analysis.title'), 'button'), is('proctor', 'admin') && link(`/proctor/${exam.id}`, t('nav.proctor'), 'button')] }),
      notice('info', t('author.fixed')),
      h('div', { class: 'actions section' }, working(t('sample.draw'), async () => {
        try {
          await showSample(exam.id);
        } catch (problem) {
          put(told, trouble(problem));
        }
      }, '')),
      section(t('release.title'), h('div', { class: 'card stack' },
        h('p', {}, !exam.results_at ? t('release.now_state') : t('release.at_state', { time: moment(exam.results_at) })), told,
        h('div', { class: 'form-grid' }, field(t('release.at'), at, { hint: t('release.hint') }),
          h('div', { class: 'actions' }, working(t('release.set'), async () => { if (at.value) await release(fromField(at.value), t('release.set'), t('release.set_text', { time: moment(fromField(at.value)) })); }, ''),
            exam.results_at && working(t('release.now'), () => release(null, t('release.now'), t('release.now_text')), 'primary'))))),
      section(t('exception.list'), exceptions.element),
      // Authors may grant them too, but only administrators may look people up.
      is('admin') && section(t('exception.title'), exceptionForm(exam.id, fromField, exceptions.reload)),
      section(t('author.rules'), h('div', { class: 'card stack' }, facts([
        [t('code'), exam.code], [t('course'), course ? course.title : exam.course], [t('author.bank'), bank ? bank.title : exam.bank],
        [t('exam.duration'), span(exam.duration_ms)], [t('exam.pass'), t('exams.pass', { n: number(exam.pass_score), all: number(points) })],
        [t('exam.attempts'), exam.attempts_max ? number(exam.attempts_max) : t('exam.any')],
        [t('exam.window'), `${moment(exam.opens_at)} – ${moment(exam.closes_at)}`],
        [t('mode.practice'), t(`practice.${exam.practice}`)], [t('exam.review'), t(`review.policy.${exam.review}`)],
      ]),
      table(t('exam.sections'), [t('exam.section'), t('exam.kind'), t('exam.count'), t('exam.points'), t('blueprint.quotas')], exam.blueprint.sections.map((one) => [
        one.title, one.kind ? kindName(one.kind) : t('exam.mixed'), number(one.count), number(one.points),
        one.quotas.map((quota) => `${[quota.topic, quota.difficulty && t('item.difficulty_n', { n: quota.difficulty }), quota.kind && kindName(quota.kind)].filter(Boolean).join(' · ') || t('all')} × ${quota.count}`).join(t('comma')) || '—'])),
      h('p', { class: 'small quiet' }, t('seed.bank'), ' ', h('code', {}, exam.bank_version))))),
  };
}
