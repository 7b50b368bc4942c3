// Reading and writing comma-separated rows, as spreadsheets exchange them by copy and paste.

/** Rows of cells; commas or tabs, quotes as spreadsheets write them. */
export function readRows(text) {
  const separator = text.split('\n')[0].includes('\t') ? '\t' : ',';
  const rows = [[]];
  let cell = '';
  let quoted = false;
  const close = () => { rows[rows.length - 1].push(cell.trim()); cell = ''; };
  for (let index = 0; index < text.length; index += 1) {
    const char = text[index];
    if (quoted) {
      if (char === '"' && text[index + 1] === '"') { cell += '"'; index += 1; } else if (char === '"') quoted = false;
      else cell += char;
    } else if (char === '"' && cell === '') quoted = true;
    else if (char === separator || (separator === ',' && char === '，')) close();
    else if (char === '\n') { close(); rows.push([]); } else if (char !== '\r') cell += char;
  }
  close();
  return rows.filter((row) => row.some((one) => one !== ''));
}

const HEADS = {
  用户名: 'username', 账号: 'username', username: 'username', 姓名: 'name', name: 'name', 角色: 'roles', roles: 'roles', role: 'roles',
  单位: 'unit', unit: 'unit', 身份证号: 'id_number', id_number: 'id_number', 密码: 'password', password: 'password',
};
const ROLES = {
  学员: 'learner', 命题人员: 'author', 监考人员: 'proctor', 单位管理员: 'unit_admin', 区县管理员: 'district_admin', 市级管理员: 'city_admin', 系统管理员: 'admin', 运维人员: 'operator',
};
const ORDER = ['username', 'name', 'roles', 'unit', 'id_number'];

/** People from rows; a first row of known names says which column is which. */
export function readPeople(text) {
  const rows = readRows(text);
  if (!rows.length) return [];
  const named = rows[0].map((cell) => HEADS[cell.toLowerCase()] || HEADS[cell]);
  const headed = named.includes('username');
  const columns = headed ? named : ORDER;
  return rows.slice(headed ? 1 : 0).map((row) => {
    const person = {};
    columns.forEach((name, index) => { if (name && row[index]) person[name] = row[index]; });
    const roles = (person.roles || 'learner').split(/[\s;；、]+/).filter(Boolean);
    return { ...person, username: person.username || '', name: person.name || '', roles: roles.map((role) => ROLES[role] || role) };
  });
}

/** A cell that no spreadsheet takes for a formula. */
function safe(value) {
  const text = String(value === null || value === undefined ? '' : value);
  const guarded = /^[=+\-@\t\r\0]/.test(text) ? `'${text}` : text;
  return /[",\n]/.test(guarded) ? `"${guarded.replace(/"/g, '""')}"` : guarded;
}

/** A file to be downloaded; with a mark by which Excel knows the encoding. */
export function download(name, rows) {
  const blob = new Blob(['\ufeff', rows.map((row) => row.map(safe).join(',')).join('\r\n')], { type: 'text/csv' });
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}
